"use strict";
// Charts: the numbers lie in #charts. Search: titles lie packed in #titles; see titles.py.
const byId = (id) => document.getElementById(id);
const COLOURS = ["#8a94a6", "#2f7ed8", "#e8743b", "#19a979", "#d65db1", "#c9a227", "#6c8893", "#945ecf", "#13a4b4"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const DAYS = [1, 2, 7, 14, 30, 91, 182, 365, 730, 1825].map((days) => days * 86400);
const beijingDay = (seconds) => new Date((seconds + 28800) * 1000).toISOString().slice(0, 10);
let drawn = [];

function draw() {
  drawn.forEach((plot) => plot.destroy());
  const css = getComputedStyle(document.documentElement);
  const axis = { stroke: css.getPropertyValue("--faint"), grid: { stroke: css.getPropertyValue("--line"), width: 1 } };
  drawn = JSON.parse(byId("charts").textContent).map((chart, n) => {
    const place = byId("chart-" + n);
    const value = (u, v) => (v == null ? "–" : v + (chart.unit && " " + chart.unit));
    const line = (label, i) => ({ label, value, stroke: COLOURS[i % COLOURS.length], width: 1.5 });
    place.className = "";
    return new uPlot({
      width: place.clientWidth, height: 260,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Asia/Shanghai"),
      series: [{ label: "From", value: "{YYYY}-{MM}-{DD}" }, ...chart.labels.map(line)],
      axes: [{ ...axis, space: 90, incrs: DAYS, values: (u, marks) => marks.map(beijingDay) }, { ...axis, values: (u, marks) => marks.map((m) => m + (chart.unit && " " + chart.unit)), size: 60 }],
      scales: { x: { range: (u, low, high) => [low - 43200, high + 43200] }, y: { range: (u, low, high) => [0, chart.unit === "%" ? 105 : Math.max(high * 1.05, 1)] } },
    }, chart.data, place);
  });
}
draw();
document.querySelectorAll("details").forEach((numbers) => (numbers.open = false)); // open for those without scripts
dark.addEventListener("change", draw);
addEventListener("resize", () => drawn.forEach((plot) => plot.setSize({ width: plot.root.parentNode.clientWidth, height: 260 })));

const SHOWN = 100;
let loading = null;

async function unpack() {
  const bytes = Uint8Array.from(atob(byId("titles").textContent), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const found = JSON.parse(new TextDecoder("gb18030").decode(await new Response(plain).arrayBuffer()));
  found.titles = found.titles.split("\n");
  found.ids = found.ids.split("\n");
  found.lower = found.titles.map((title) => title.normalize("NFKC").toLowerCase());
  return found;
}

const dayOf = (all, n) => (all.days[n] ? new Date(all.days[n] * 864e5).toISOString().slice(0, 10) : "");

function slugOf(title) { // as slug in paths.py
  const plain = title.replace(/(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])/g, (number) => number.replace(/,/g, "")).normalize("NFKC");
  const parts = plain.split(/(?<=[0-9])[^0-9A-Za-z\u3400-\u4dbf\u4e00-\u9fff]+(?=[0-9])/);
  return parts.map((part) => part.replace(/[^0-9A-Za-z\u3400-\u4dbf\u4e00-\u9fff]+/g, "")).join("-").slice(0, 40).replace(/-+$/, "");
}

function pathOf(all, n) { // as post_path in paths.py
  if (n in all.paths) return all.paths[n];
  const day = dayOf(all, n);
  const slug = slugOf(all.titles[n]);
  return [all.names[all.folders[n]], day.slice(0, 4), day.slice(5, 7), [day, slug, all.ids[n]].filter(Boolean).join("-") + ".md"].join("/");
}

function entry(all, n) { // textContent only: titles are other people's
  const item = document.createElement("li"), link = document.createElement("a"), about = document.createElement("span");
  link.textContent = all.titles[n] || "–";
  link.lang = "zh-Hans";
  link.href = byId("titles").dataset.posts + pathOf(all, n).split("/").map(encodeURIComponent).join("/");
  about.className = "faint";
  about.textContent = " " + dayOf(all, n) + " " + all.names[all.folders[n]].split("/").pop();
  item.append(link, about);
  return item;
}

async function search() {
  try {
    const all = await (loading = loading || unpack());
    const words = byId("search").value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let n = 0; words.length && n < all.lower.length; n++) {
      if (words.every((word) => all.lower[n].includes(word))) found.push(n);
    }
    byId("results").replaceChildren(...found.slice(0, SHOWN).map((n) => entry(all, n)));
    const more = found.length > SHOWN ? `, the newest ${SHOWN} of them here` : "";
    byId("found").textContent = words.length ? `${found.length} found${more}` : "";
    byId("newest").hidden = words.length > 0;
  } catch (error) {
    byId("found").textContent = `This browser cannot search here: ${error.message}`;
  }
}
byId("search-box").hidden = false;
byId("search").addEventListener("input", search);
