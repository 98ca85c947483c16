"use strict";

// Reads the texts that an ONNX file carries, which ONNX Runtime for browsers does not show. They are
// messages with a name (field 1) and a text (field 2), in field 14 of the file.

function* fields(bytes) {
  let place = 0;
  const varint = () => {
    let value = 0, factor = 1;
    for (;;) {
      if (place >= bytes.length) throw new Error("the file ends within a number");
      const byte = bytes[place++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (place < bytes.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) {
      varint();
      continue;
    }
    const length = { 1: () => 8, 2: varint, 5: () => 4 }[kind]?.();
    if (length === undefined || place + length > bytes.length) {
      throw new Error("the file is damaged, or no ONNX file");
    }
    yield [Math.floor(key / 8), bytes.subarray(place, place + length)];
    place += length;
  }
}

function readMetadata(bytes) {
  const found = {};
  const text = new TextDecoder();
  for (const [number, message] of fields(bytes)) {
    if (number !== 14) continue;
    const entry = Object.fromEntries(fields(message));
    found[text.decode(entry[1])] = text.decode(entry[2]);
  }
  return found;
}
