"use strict";

const SILENCE = 2 ** -14; // from the lowest to the highest sample: there is nothing to hear
const SECONDS = 60; // a longer recording gets labels for each minute
const SHOWN = 3;
const element = (id) => document.getElementById(id);
const say = (text) => { element("status").textContent = text; };
let model = null;

ort.env.wasm.numThreads = 1; // more need headers that a plain web server does not send

async function loadModel(file) {
  model = null;
  element("about").textContent = "";
  say(`Loading ${file.name} ...`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const about = readMetadata(bytes);
  if (!about.labels || !about.sample_rate) {
    throw new Error("expected a file that audiotl model export --whole wrote");
  }
  const session = await ort.InferenceSession.create(bytes);
  model = {
    session,
    labels: JSON.parse(about.labels),
    rate: Number(about.sample_rate),
    channel: about.channel,
    several: JSON.parse(about.multi_label),
    threshold: Number(about.threshold),
  };
  const networks = JSON.parse(about.card).extractors;
  const licences = networks.map((one) => `${one.name}${one.licence ? `, ${one.licence}` : ""}`);
  element("about").textContent =
    `${model.labels.length} labels, ${model.rate} Hz, network: ${licences.join("; ")}`;
  say("Ready.");
}

async function decode(file) {
  // decodeAudioData resamples to the rate of its context
  const context = new OfflineAudioContext(1, 1, model.rate);
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const channels = [];
  for (let i = 0; i < sound.numberOfChannels; i++) channels.push(sound.getChannelData(i));
  return oneChannel(channels);
}

function oneChannel(channels) {
  if (model.channel === "left") return channels[0];
  if (model.channel === "right") return channels[Math.min(1, channels.length - 1)];
  if (model.channel === "loudest") return channels[loudest(channels)];
  const sum = (at) => channels.reduce((total, channel) => total + channel[at], 0);
  return channels[0].map((_, at) => sum(at) / channels.length);
}

function loudest(channels) {
  const powers = channels.map((channel) => {
    const mean = channel.reduce((total, sample) => total + sample, 0) / channel.length;
    return channel.reduce((total, sample) => total + (sample - mean) ** 2, 0);
  });
  return powers.indexOf(Math.max(...powers));
}

async function judge(samples) {
  let [low, high] = [Infinity, -Infinity];
  for (const sample of samples) {
    low = Math.min(low, sample);
    high = Math.max(high, sample);
  }
  if (high - low < SILENCE) return [["silent", 0]];
  const waveform = new ort.Tensor("float32", samples, [samples.length]);
  const { scores, rejected } = await model.session.run({ waveform });
  const ranked = model.labels.map((label, i) => [label, scores.data[i]]);
  ranked.sort((one, other) => other[1] - one[1]);
  if (rejected.data[0]) return [["none of these", ranked[0][1]]];
  if (!model.several) return ranked.slice(0, SHOWN);
  const heard = ranked.filter(([, score]) => score >= model.threshold);
  return heard.length ? heard : [["no label", ranked[0][1]]];
}

function addRow(...texts) {
  const row = element("labels").tBodies[0].insertRow();
  for (const text of texts) row.insertCell().textContent = text;
}

async function predict(file) {
  say(`Listening to ${file.name} ...`);
  const samples = await decode(file);
  const step = SECONDS * model.rate;
  for (let from = 0; from < samples.length; from += step) {
    const found = await judge(samples.subarray(from, from + step));
    for (const [label, score] of found) {
      addRow(file.name, `${from / model.rate} s`, label, score.toFixed(4));
    }
  }
}

async function predictAll(files) {
  if (!model) return say("Choose a model first.");
  let failed = 0;
  for (const file of files) {
    try {
      await predict(file);
    } catch (error) {
      failed++;
      addRow(file.name, "", `cannot be used: ${error.message}`, "");
    }
  }
  return say(failed ? `Done; ${failed} of ${files.length} failed.` : "Done.");
}

let work = Promise.resolve(); // one thing after the other
const next = (task) => {
  work = work.then(task).catch((error) => say(error.message));
};
const open = (file) => loadModel(file).catch((error) => {
  throw new Error(`${file.name} cannot be used: ${error.message}`);
});

element("model").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) next(() => open(file));
});
element("recordings").addEventListener("change", ({ target }) => {
  const files = [...target.files];
  next(() => predictAll(files));
});
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}
window.addEventListener("drop", ({ dataTransfer }) => {
  const files = [...dataTransfer.files];
  next(() => predictAll(files));
});
