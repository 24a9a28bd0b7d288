/* Views of the book: controls fill the slots of a scene from tables that were computed beforehand.
   No library, no network, no storage. The data lie in the page as JSON; every text is set as text. */
(() => {
  "use strict";
  const fixed = (value, digits) => {
    if (value === null || value !== value) return "–";
    if (!isFinite(value)) return value > 0 ? "∞" : "−∞";
    const text = value.toFixed(digits);
    return (/[1-9]/.test(text) ? text : text.replace("-", "")).replace("-", "−");
  };
  const share = ([value, low, high]) => {
    if (value === null) return "–";
    const limits = low === null || high === null ? "" : ` (${fixed(100 * low, 0)} to ${fixed(100 * high, 0)})`;
    return `${fixed(100 * value, 0)} %${limits}`;
  };
  const whole = (value) => Math.floor(value + 0.5 + 1e-9);

  /* what depends on more than a table can hold; the same arithmetic as helpers.book.views.threshold.derive */
  const derive = {
    threshold(n, state) {
      const m = state.model, t = state.threshold, k = state.prevalence;
      const p = n.prevalence[k], q = 1 - p, own = k === n.own;
      const sens = n.sensitivity[m], spec = n.specificity[m];
      const benefit = n.odds.map((w, i) => sens[i] * p - (1 - spec[i]) * q * w);
      const everyone = n.odds.map((w) => p - q * w);
      const [a, b, c] = n.variance[m][t];
      const se = own ? n.own_se[m][t] : Math.sqrt(Math.max(a * p * p + b * p * q + c * q * q, 0));
      const after = (ratio) => ratio === null ? null : ratio > 0 ? 1 / (1 + 1 / (p / q * ratio)) : 0;
      const ppv = own ? n.ppv[m][t] : n.lr_positive[m][t].map(after);
      const negative = n.lr_negative[m][t];
      const npv = own ? n.npv[m][t] : [0, 2, 1].map((i) => after(negative[i])).map((v) => v === null ? null : 1 - v);
      const high = 1.959963984540054 * se;
      const height = (s) => fixed(Math.min(Math.max((1 - s) / 1.25, -1), 2) * n.high, 1).replace("−", "-");
      const line = (values) => "M" + values.map((v, i) => `${n.x[i]} ${height(v / p)}`).join("L");
      const marks = {
        ppv: { text: share(ppv) }, npv: { text: share(npv) },
        nb: { text: `${fixed(benefit[t], 3)} (${fixed(benefit[t] - high, 3)} to ${fixed(benefit[t] + high, 3)})` },
        nb_everyone: { text: fixed(everyone[t], 3) },
        nb_model: { d: line(benefit) }, nb_all: { d: line(everyone) },
        nb_point: { cy: height(benefit[t] / p), display: benefit[t] / p < -0.25 ? "none" : "inline" },
        status: { text: t === n.frozen[m] ? n.here : n.look },
      };
      [1, 0.75, 0.5, 0.25, 0, -0.25].forEach((tick, i) => { marks[`tick${i}`] = { text: fixed(tick * p, 2) }; });
      const events = whole(100 * p), tp = whole(events * sens[t]), tn = whole((100 - events) * spec[t]);
      const fn = events - tp, fp = 100 - events - tn;
      marks.words = { text: `Of 100 such ${n.units}, ${events} have it (${n.outcome}). Acting on the model means acting ` +
        `on ${tp + fp}: ${tp} with it and ${fp} without it. ${fn} with it are missed, and ${tn} are rightly left alone.` };
      const kinds = [["tp", tp], ["fn", fn], ["fp", fp], ["tn", tn]].flatMap(([kind, many]) => Array(many).fill(kind));
      kinds.forEach((kind, i) => { marks[`dot${i}`] = { class: `v-dot ${kind}` }; });
      return marks;
    },
  };

  function open(root) {
    const data = JSON.parse(root.querySelector("script").textContent);
    const slots = new Map();
    root.querySelectorAll("[data-m]").forEach((node) => slots.set(node.dataset.m, node));
    const controls = data.controls, state = {}, parts = {};
    const pictures = new Set(data.pictures);
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let timer = 0;

    const put = (key, name, value) => {
      const node = slots.get(key);
      if (!node) return;
      const text = value === null || value === undefined ? "" : String(value);
      if (name === "text") { if (node.textContent !== text) node.textContent = text; return; }
      const wanted = name === "href" && pictures.has(key) ? data.places[text] : text;
      if (node.getAttribute(name) !== wanted) node.setAttribute(name, wanted);
    };
    const frozen = (c) => c.frozen && c.frozen[c.frozen_by ? state[c.frozen_by] : 0];
    const matching = (id) => {
      const active = controls.filter((c) => c.filters === id && (c.always || state[c.id] > 0));
      const options = controls.find((c) => c.id === id).options;
      return options.map((_, i) => i).filter((i) => active.every((c) => c.of[i] === state[c.id] - (c.always ? 0 : 1)));
    };
    const refill = (c) => {  /* a choice whose items are filtered */
      const part = parts[c.id], items = matching(c.id), select = part.input;
      if (items.length && !items.includes(state[c.id])) state[c.id] = items[0];
      select.replaceChildren(...items.map((i) => new Option(c.options[i], i, false, i === state[c.id])));
      select.disabled = !items.length;
      part.items = items;
      root.classList.toggle("none", !items.length);
    };
    const update = () => {
      for (const [key, name, by, values] of data.columns) put(key, name, by.reduce((v, id) => v[state[id]], values));
      const more = derive[data.kind] ? derive[data.kind](data.numbers, state) : {};
      for (const key in more) for (const name in more[key]) put(key, name, more[key][name]);
      tell();
      for (const c of controls) {
        const part = parts[c.id];
        if (c.kind === "range") {
          part.input.value = state[c.id];
          part.output.textContent = c.options[state[c.id]];
          part.input.setAttribute("aria-valuetext", c.options[state[c.id]]);
          const at = frozen(c);
          if (at !== undefined) {
            part.box.style.setProperty("--frozen", at / (c.options.length - 1));
            part.back.disabled = at === state[c.id];
          }
        } else if (c.kind === "switch") part.input.checked = state[c.id] === 1;
        else part.input.value = state[c.id];
        if (part.items) {
          const at = part.items.indexOf(state[c.id]);
          part.count.textContent = part.items.length ? `${at + 1} of ${part.items.length}` : "No such case";
          part.steps.forEach(([button, step]) => { button.disabled = !(part.items[at + step] >= 0); });
        }
      }
    };
    const tell = () => {  /* for paper, where the controls are not */
      const said = controls.filter((c) => c.options).map((c) => [c, state[c.id] - (c.kind === "filter" && !c.always ? 1 : 0)]);
      root.querySelector(".v-told").textContent = `${said.filter(([, at]) => at >= 0)
        .map(([c, at]) => `${c.label}: ${c.options[at]}`).join("; ")}.`;
    };
    const stop = () => {
      clearInterval(timer); timer = 0;
      controls.filter((c) => c.play).forEach((c) => { parts[c.id].play.textContent = "Play"; });
    };
    const set = (id, value) => {
      state[id] = value;
      controls.filter((c) => parts[c.id].items).forEach(refill);
      update();
    };

    for (const c of controls) {
      const box = root.querySelector(`[data-c="${c.id}"]`);
      const part = parts[c.id] = { box, input: box.querySelector("input, select"), output: box.querySelector("output") };
      state[c.id] = c.start || 0;
      const read = () => { stop(); set(c.id, c.kind === "switch" ? Number(part.input.checked) : Number(part.input.value)); };
      part.input.addEventListener(c.kind === "range" ? "input" : "change", read);
      part.back = box.querySelector(".v-back");
      if (part.back) part.back.addEventListener("click", () => { stop(); set(c.id, frozen(c)); part.input.focus(); });
      part.play = box.querySelector(".v-play");
      if (part.play) part.play.addEventListener("click", () => {
        if (timer) { stop(); return; }
        const last = c.options.length - 1;
        part.play.textContent = "Stop";
        if (state[c.id] === last) set(c.id, 0);
        timer = setInterval(() => {
          if (state[c.id] >= last) { stop(); return; }
          set(c.id, state[c.id] + 1);
        }, still.matches ? Math.max(c.play, 1000) : c.play);  /* slow steps for those who asked for less motion */
      });
      const filtered = controls.some((other) => other.filters === c.id);
      if (filtered) {
        part.items = [];
        part.count = box.querySelector(".v-count");
        part.steps = [...box.querySelectorAll(".v-step")].map((b) => [b, Number(b.dataset.step)]);
        part.steps.forEach(([button, step]) => button.addEventListener("click", () => {
          const to = part.items[part.items.indexOf(state[c.id]) + step];
          if (to >= 0) set(c.id, to);
        }));
      }
    }
    root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    controls.filter((c) => parts[c.id].items).forEach(refill);
    update();
    root.classList.add("live");
  }
  /* Escape puts a definition away until a word is entered again (WCAG 2.2, 1.4.13) */
  const away = (value) => document.documentElement.classList.toggle("explained-away", value);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") away(true); });
  for (const entered of ["pointerover", "focusin"]) {
    document.addEventListener(entered, (event) => { if (event.target.closest?.("a.explained")) away(false); });
  }
  /* a page that can be used is laid out to its end, for whoever scrolls by its bar or takes a picture of the whole */
  const finish = () => {
    document.documentElement.classList.add("laid-out");
    document.querySelectorAll("img[loading=lazy]").forEach((image) => { image.loading = "eager"; });
  };
  const idle = window.requestIdleCallback ?? ((call) => setTimeout(call, 200));
  if (document.readyState === "complete") idle(finish);
  else addEventListener("load", () => idle(finish));
  const start = () => document.querySelectorAll(".tb-view").forEach(open);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
