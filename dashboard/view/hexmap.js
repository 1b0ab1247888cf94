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
    path.onmouseenter = () => { root.querySelector("output").textContent = path.firstChild.textContent; };
    path.dataset.contest = properties.contest_id;
    shapes.set(properties.contest_id, path);
    svg.append(path);
  }
  svg.setAttribute("viewBox", `${left - .2} ${top - .2} ${right - left + .4} ${bottom - top + .4}`);
  svg.setAttribute("role", "img");
  root.replaceChildren(svg, document.createElement("output"));
  return shapes;
}

function paint(root, shapes) {
  const { contests, parties, selected, label } = root.data;
  const points = new Intl.NumberFormat(root.data.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  root.querySelector("svg").setAttribute("aria-label", label);
  for (const [id, path] of shapes) {
    const [name, party, margin, progress] = contests[id] ?? ["", null, 0, "none"];
    const known = party !== null && parties[party];
    path.style.fill = known ? parties[party][1] : progress === "none" || progress === "empty" ? "url(#waiting)" : "#8a8f96";
    path.style.fillOpacity = known ? 0.4 + 0.6 * Math.min(1, margin / 0.3) : 1;
    path.classList.toggle("selected", id === selected);
    const state = progress === "complete" ? "" : progress === "none" ? "" : ", still counting";
    path.firstChild.textContent = known ? `${name}: ${parties[party][0]} ahead by ${points.format(100 * margin)} points${state}`
      : progress === "none" ? `${name}: not yet reporting` : progress === "empty" ? `${name}: no valid vote` : `${name}: tie`;
  }
  const chosen = shapes.get(selected);
  if (chosen) chosen.parentNode.append(chosen);
}
