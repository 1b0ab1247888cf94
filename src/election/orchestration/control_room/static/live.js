// Renews the part of the page that changes while an election runs; the result below it renews itself.
const SECONDS = 5;
const ENDED = ["certified", "refused"];

async function renew() {
  const overview = document.querySelector(".overview");
  if (ENDED.includes(overview.dataset.state)) return;
  try {
    const answer = await fetch(`${location.pathname}/live`);
    if (answer.ok) overview.outerHTML = await answer.text();
  } catch (error) {
    console.warn("The figures are not renewed: Airflow does not answer.", error);
  }
  setTimeout(renew, SECONDS * 1000);
}

setTimeout(renew, SECONDS * 1000);
