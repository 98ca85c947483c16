"use strict";
const PAGE = 24;
const { labels, clips, khz } = JSON.parse(document.getElementById("data").textContent);
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// text never becomes markup: everything is set as text or as a property
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// time to the right in seconds, frequency upwards in kHz
function spectrogram(clip) {
  const place = (text, side, share) => {
    const mark = make("span", {}, text);
    mark.style[side] = `${100 * share}%`;
    return mark;
  };
  const step = [0.1, 0.2, 0.5, 1, 2, 5].find((size) => clip.length_s / size <= 5.5) || 10;
  const seconds = [];
  for (let i = 0; i * step < 0.93 * clip.length_s; i += 1) {
    seconds.push(place(`${+(i * step).toFixed(1)}`, "left", (i * step) / clip.length_s));
  }
  return make("div", { className: "spectrogram", role: "img",
    ariaLabel: `Spectrogram of ${clip.length_s.toFixed(1)} s, up to 16 kHz` },
    make("div", { className: "khz" }, ...khz.map(([value, share]) => place(`${value}`, "bottom", share))),
    make("img", { src: clip.picture, alt: "", width: 160, height: 56 }),
    make("div", { className: "unit" }, "kHz"),
    make("div", { className: "seconds" }, ...seconds, make("span", { className: "unit" }, "s")));
}

// the middle of a long name gives way, and its whole is shown by pointing at it
function shortened(text, className) {
  const tail = text.length > 12 ? -6 : text.length;
  return make("span", { className: `cut ${className}`, title: text },
    make("span", {}, text.slice(0, tail)), make("span", {}, tail < 0 ? text.slice(tail) : ""));
}

function player(clip) {
  const box = make("div", { className: "player" });
  if (clip.picture) {
    box.append(spectrogram(clip));
  } else {
    box.append(make("div", { className: "blank", ariaHidden: "true" }));
  }
  if (clip.audio || clip.link) {
    const audio = make("audio", { controls: true, preload: "none", src: clip.audio || clip.link });
    audio.setAttribute("aria-label", `Play ${clip.name}`);
    const failed = make("p", { className: "quiet", hidden: true }, "The file cannot be played from here.");
    audio.addEventListener("error", () => { failed.hidden = false; });
    box.append(make("div", {}, audio, failed));
  } else {
    box.append(make("p", { className: "quiet" }, `No sound: ${clip.note || "not at hand"}.`));
  }
  return box;
}

function card(clip) {
  const item = make("li", { className: "clip" }, make("p", { className: "name" }, clip.name));
  if (clip.predicted !== undefined) {
    const right = clip.true === clip.predicted;
    item.classList.add(right ? "right" : "wrong");
    const words = right
      ? [make("b", {}, clip.true), make("span", { className: "quiet" }, " predicted rightly")]
      : ["labelled ", make("b", {}, clip.true), ", predicted ", make("b", {}, clip.predicted || "no label")];
    if (clip.rejected) words.push(make("span", { className: "quiet" }, " (rejected: taken for none of the labels)"));
    const bars = make("ul", { className: "bars" });
    for (const [label, value] of clip.scores) {
      const bar = make("span", { className: "fill" });
      bar.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
      bars.append(make("li", {}, shortened(label, "label"),
        make("span", { className: "track" }, bar), make("span", { className: "value" }, value.toFixed(2))));
    }
    item.append(make("p", {}, ...words), bars);
  }
  item.append(player(clip));
  if (clip.link && clip.audio) {
    item.append(make("p", { className: "file" }, make("a", { href: clip.link }, "whole recording")));
  }
  return item;
}
