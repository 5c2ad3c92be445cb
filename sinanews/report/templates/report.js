"use strict";
// Search over titles: they lie packed in #titles, see titles.py; the words to say in #said, see labels.py.
const byId = (id) => document.getElementById(id);
const SHOWN = 100;
const said = JSON.parse(byId("said").textContent);
const say = (name, ...values) => values.reduce((text, value) => text.replace("{}", value), said[name]);
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

function addressOf(all, n) { // as Titles.add in titles.py took it apart
  if (byId("read-" + all.ids[n])) return "#read-" + encodeURIComponent(all.ids[n]);
  return all.addresses[all.forms[n]].replace("\x01", dayOf(all, n)).replace("\x02", all.ids[n]);
}

function entry(all, n) { // textContent only: titles are other people's
  const item = document.createElement("li"), day = document.createElement("time");
  const address = addressOf(all, n);
  const title = document.createElement(/^(#|https?:)/.test(address) ? "a" : "span");
  day.textContent = dayOf(all, n);
  title.textContent = all.titles[n] || said.untitled;
  title.lang = "zh-Hans";
  if (title.tagName === "A") Object.assign(title, { href: address, rel: "noreferrer" });
  item.append(day, title);
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
    const number = found.length.toLocaleString("en");
    byId("found").textContent = !words.length ? "" : found.length > SHOWN ? say("found_more", number, SHOWN) : say("found", number);
    byId("newest").hidden = words.length > 0;
  } catch (error) {
    byId("found").textContent = say("no_search", error.message);
  }
}
byId("search-box").hidden = false;
byId("search").addEventListener("input", search);
addEventListener("keydown", (event) => { if (event.key === "Escape" && location.hash.startsWith("#read-")) location.hash = "#articles"; });
