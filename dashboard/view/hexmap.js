// The map of contests: one shape a contest, drawn once from the scenario's geometry; a refresh changes colours only.
const SVG = "http://www.w3.org/2000/svg";

export default async function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".map");
  root.data = { ...data, contests: JSON.parse(data.contests) };
  root.choose = (id) => setStateValue("contest", id);
  if (root.dataset.url !== data.url) {
    root.dataset.url = data.url;
    root.shapes = fetch(data.url).then((answer) => {
      if (!answer.ok) throw new Error(`no map: ${answer.status}`);
      return answer.json();
    }).then((geometry) => draw(root, geometry));
  }
  try {
    paint(root, await root.shapes);
  } catch (error) {
    root.textContent = "The map cannot be shown; the table below has every contest.";
    root.dataset.url = "";
  }
}

function draw(root, geometry) {
  const svg = document.createElementNS(SVG, "svg");
  const shapes = new Map();
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  svg.innerHTML = `<defs><pattern id="waiting" width=".5" height=".5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect width=".5" height=".5" class="ground"/><rect width=".18" height=".5" class="stripe"/></pattern></defs>`;
  for (const { properties, geometry: { type, coordinates } } of geometry.features) {
    if (!(properties.contest_id in root.data.contests)) continue;
    const rings = (type === "Polygon" ? [coordinates] : coordinates).flat();
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", rings.map((ring) => "M" + ring.map(([x, y]) => {
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, -y); bottom = Math.max(bottom, -y);
      return `${x} ${-y}`;
    }).join("L") + "Z").join(""));
    path.append(document.createElementNS(SVG, "title"));
    path.onclick = () => root.choose(properties.contest_id);
    path.onmouseenter = path.onfocus = () => { root.querySelector("output").textContent = path.firstChild.textContent; };
    path.dataset.contest = properties.contest_id;
    path.setAttribute("role", "button");
    path.tabIndex = shapes.size ? -1 : 0;
    path.centre = rings[0].reduce(([x, y], point) => [x + point[0] / rings[0].length, y - point[1] / rings[0].length], [0, 0]);
    shapes.set(properties.contest_id, path);
    svg.append(path);
  }
  svg.setAttribute("viewBox", `${left - .2} ${top - .2} ${right - left + .4} ${bottom - top + .4}`);
  svg.setAttribute("role", "group");
  svg.onkeydown = (event) => walk(event, [...shapes.values()]);
  root.replaceChildren(svg, document.createElement("output"));
  return shapes;
}

// The map is one stop of the tabulator: arrows go from contest to contest, Enter or the space bar shows one.
function walk(event, shapes) {
  const from = event.target, way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === "Enter" || event.key === " ") from.onclick();
  else if (!way) return;
  event.preventDefault();
  if (!way) return;
  const distance = (to) => {
    const [x, y] = [to.centre[0] - from.centre[0], to.centre[1] - from.centre[1]];
    const ahead = x * way[0] + y * way[1];
    return ahead > 1e-6 ? Math.hypot(x, y) + Math.abs(x * way[1]) + Math.abs(y * way[0]) : Infinity;
  };
  const next = shapes.filter((to) => distance(to) < Infinity).sort((a, b) => distance(a) - distance(b))[0];
  if (!next) return;
  from.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function paint(root, shapes) {
  const { contests, parties, selected, label, gains } = root.data;
  const points = new Intl.NumberFormat(root.data.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  root.querySelector("svg").setAttribute("aria-label", label);
  for (const [id, path] of shapes) {
    const [name, party, margin, progress, before] = contests[id] ?? ["", null, 0, "none"];
    const known = party !== null && parties[party];
    const gained = before !== undefined && before !== party;
    path.style.fill = known ? parties[party][1] : progress === "none" || progress === "empty" ? "url(#waiting)" : "#8a8f96";
    path.style.fillOpacity = known ? 0.4 + 0.6 * Math.min(1, margin / 0.3) : 1;
    if (gains) {
      if (known && before === undefined) path.style.fill = "url(#waiting)";
      path.style.fillOpacity = before === undefined || gained ? 1 : 0.28;
    }
    path.classList.toggle("selected", id === selected);
    path.setAttribute("aria-pressed", id === selected);
    const state = progress === "complete" ? "" : progress === "none" ? "" : ", still counting";
    const change = before === undefined ? "" : gained ? ` gain from ${parties[before]?.[0] ?? before},` : " hold,";
    path.firstChild.textContent = known ? `${name}: ${parties[party][0]}${change} ahead by ${points.format(100 * margin)} points${state}`
      : progress === "none" ? `${name}: not yet reporting` : progress === "empty" ? `${name}: no valid vote` : `${name}: tie`;
  }
  const chosen = shapes.get(selected);
  // Drawn last, so that its border is whole; moved only when it is not, since that takes the focus away.
  if (chosen && chosen !== chosen.parentNode.lastChild) {
    const focused = chosen.matches(":focus");
    chosen.parentNode.append(chosen);
    if (focused) chosen.focus();
  }
}
