"use strict";
// Everything here is an addition: without it the page reads, and its charts show, the same.
(() => {
  const pristine = document.documentElement.cloneNode(true);
  const words = JSON.parse(document.getElementById("words").textContent);
  const make = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  // Times: the reader's own zone on hover.
  const local = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long" });
  for (const time of document.querySelectorAll("time[datetime]")) time.title = local.format(new Date(time.dateTime));

  // Snippets: copy.
  for (const box of document.querySelectorAll(".snippet")) {
    const button = make("button", { type: "button" }, words.copy);
    const pre = box.querySelector("pre");
    button.setAttribute("aria-label", `${words.copy}: ${pre.getAttribute("aria-label")}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
      } catch {
        getSelection().selectAllChildren(pre);
        document.execCommand("copy");
      }
      button.textContent = words.copied;
      setTimeout(() => (button.textContent = words.copy), 1500);
    });
    box.append(button);
  }

  // Tables: sort and search.
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const compare = new Intl.Collator(undefined, { numeric: true }).compare;
    heads.forEach((head, column) => {
      const button = make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[column].textContent;
        rows.sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b)));
        body.append(...rows);
        say(`${head.textContent}: ${up ? words.ascending : words.descending}`);
      });
    });
    const find = make("p", { class: "find" });
    const label = make("label", {}, `${words.search} `);
    const input = make("input", { type: "search", autocomplete: "off" });
    const status = make("span", { role: "status" });
    const say = (text) => (status.textContent = text);
    label.append(input);
    find.append(label, status);
    table.parentElement.before(find);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const byRow = new Map(rows.map((row, i) => [row, texts[i]]));
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [row, text] of byRow) {
        row.hidden = !wanted.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      say(words.shown.replace("{shown}", shown).replace("{all}", rows.length));
    });
  }

  // Charts: tooltips at once, and zoom on the time axis.
  const tip = make("div", { class: "tip", "aria-hidden": "true", hidden: "" });
  document.body.append(tip);
  const showTip = (event) => {
    const title = event.target.closest?.(".chart svg *")?.querySelector(":scope > title");
    const text = event.target.tip ?? title?.textContent;
    if (title) {
      event.target.tip = text;
      title.remove();
    }
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(4, event.clientY - box.height - 12)}px`;
  };

  const steps = [1 / 12, 1 / 4, 1, 3, 6, 12, 24, 48, 96, 168, 336, 720].map((hours) => hours * 3600e3);
  const svgName = "http://www.w3.org/2000/svg";
  const zoomable = (svg) => {
    const { start, end, low, high } = Object.fromEntries(Object.entries(svg.dataset).map(([k, v]) => [k, Number(v)]));
    const marks = [...svg.querySelectorAll(".z")].map((element) => {
      const number = (name) => Number(element.getAttribute(name));
      if (element.tagName === "rect") return { element, x: number("x"), width: number("width") };
      if (element.tagName === "line") return { element, x: number("x1"), x2: number("x2") };
      if (element.tagName === "text") return { element, x: number("x") };
      const [x, y] = element.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
      return { element, x, y };
    });
    const ticks = svg.querySelector(".ticks");
    const first = ticks.cloneNode(true);
    const bottom = Number(ticks.querySelector("text")?.getAttribute("y") ?? 0);
    let [from, to] = [start, end];
    const clamp = (x) => Math.max(start, Math.min(x, end));
    const redraw = () => {
      const scale = (x) => start + ((x - from) / (to - from)) * (end - start);
      for (const mark of marks) {
        const { element } = mark;
        const x = scale(mark.x);
        let seen = x >= start - 0.5 && x <= end + 0.5;
        if (element.tagName === "rect") {
          const [a, b] = [clamp(x), clamp(scale(mark.x + mark.width))];
          element.setAttribute("x", a);
          element.setAttribute("width", b - a);
          seen = b > a;
        } else if (element.tagName === "line") {
          const [a, b] = [x, scale(mark.x2)];
          element.setAttribute("x1", clamp(a));
          element.setAttribute("x2", clamp(b));
          seen = b >= start && a <= end;
        } else if (element.tagName === "text") element.setAttribute("x", x);
        else element.setAttribute("transform", `translate(${x} ${mark.y})`);
        element.setAttribute("visibility", seen ? "visible" : "hidden");
      }
      if (from === start && to === end) ticks.replaceChildren(...first.cloneNode(true).childNodes);
      else drawTicks(scale);
    };
    const drawTicks = (scale) => {
      const time = (x) => low + ((x - start) / (end - start)) * (high - low);
      const pixel = (moment) => scale(start + ((moment - low) / (high - low)) * (end - start));
      const [a, b] = [time(from), time(to)];
      const step = steps.find((s) => (b - a) / s <= (end - start) / 70) ?? steps.at(-1);
      const lines = first.querySelector("line");
      const made = [];
      for (let moment = Math.ceil(a / step) * step; moment <= b; moment += step) {
        const iso = new Date(moment).toISOString();
        const x = pixel(moment);
        const line = lines.cloneNode();
        line.setAttribute("x1", x);
        line.setAttribute("x2", x);
        const text = document.createElementNS(svgName, "text");
        text.setAttribute("class", "tick");
        text.setAttribute("text-anchor", "middle");
        text.setAttribute("x", x);
        text.setAttribute("y", bottom);
        text.textContent = moment % 864e5 ? iso.slice(11, 16) : iso.slice(5, 10);
        made.push(line, text);
      }
      ticks.replaceChildren(...made);
    };
    const zoom = (a, b) => {
      const least = ((end - start) * 1800e3) / (high - low);
      if (b - a < least) return;
      [from, to] = [Math.max(start, a), Math.min(end, b)];
      redraw();
    };
    const bar = make("div", { class: "zoom" });
    const button = (text, act) => {
      const made = make("button", { type: "button" }, text);
      made.addEventListener("click", act);
      bar.append(made);
    };
    const by = (factor) => {
      const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor];
      zoom(middle - half, middle + half);
    };
    button(words.zoom_in, () => by(0.5));
    button(words.zoom_out, () => by(2));
    button(words.zoom_reset, () => zoom(start, end));
    bar.append(make("span", {}, words.zoom_hint));
    svg.parentElement.prepend(bar);
    let held = null;
    const at = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      return from + ((clamp(x) - start) / (end - start)) * (to - from);
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0) held = at(event);
    });
    addEventListener("pointerup", (event) => {
      if (held === null) return;
      const ends = [held, at(event)].sort((a, b) => a - b);
      held = null;
      if (ends[1] - ends[0] > (to - from) / 60) zoom(...ends);
    });
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      target.addEventListener("pointermove", showTip);
      target.addEventListener("pointerleave", () => (tip.hidden = true));
      if (target.dataset.zoom) zoomable(target);
    }
  }, { rootMargin: "200px" });
  for (const svg of document.querySelectorAll(".chart svg")) seen.observe(svg);

  // Print what is folded, but for the tables behind the charts; save a copy that holds what was typed.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open], .numbers)")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
  const fields = "main .fields input, main .fields textarea";
  if (document.querySelector(fields)) {
    const save = make("p", { class: "save" });
    const button = make("button", { type: "button" }, words.save);
    button.addEventListener("click", () => {
      const copy = pristine.cloneNode(true);
      const values = [...document.querySelectorAll(fields)].map((field) => field.value);
      copy.querySelectorAll(fields).forEach((field, i) => {
        if (field.tagName === "INPUT") field.setAttribute("value", values[i]);
        else field.textContent = values[i];
      });
      const file = new Blob(["<!doctype html>\n", copy.outerHTML], { type: "text/html" });
      const link = make("a", { download: `${document.title.replace(/[^\p{L}\p{N}.]+/gu, "-").slice(0, 80)}.html` });
      link.href = URL.createObjectURL(file);
      link.click();
      URL.revokeObjectURL(link.href);
    });
    save.append(button);
    document.getElementById("postmortem").append(save);
  }
})();
