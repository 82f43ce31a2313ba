"use strict";
// Everything here is an extra: without scripts commands are selected by hand, pages look again by themselves.

function addCopyButtons() {
  for (const box of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const code = box.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.append(button);
  }
}

// On a narrow screen the menu is longer than it: the page that is shown is brought into it.
function showWhere() {
  const here = document.querySelector(".bar nav [aria-current]"), menu = here?.closest("ul");
  if (menu) menu.scrollLeft += here.getBoundingClientRect().right - menu.getBoundingClientRect().right + here.clientWidth;
}

// A cell of the picture says which host it is, and leads there.
function followCells() {
  const says = document.getElementById("cell");
  for (const picture of document.querySelectorAll("svg.fleet")) {
    const step = Number(picture.dataset.step), columns = Number(picture.dataset.columns);
    const bands = [...picture.querySelectorAll("text.band")];
    const under = (event) => {
      const box = picture.getBoundingClientRect(), scale = picture.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      const band = bands.findLast((one) => y >= Number(one.dataset.top));
      const column = Math.floor(x / step);
      if (!band || column >= columns) return null;
      const cell = Math.floor((y - Number(band.dataset.top)) / step) * columns + column;
      return cell < Number(band.dataset.count) ? { band, cell } : null;
    };
    picture.addEventListener("pointermove", (event) => {
      const hit = under(event);
      picture.classList.toggle("over", Boolean(hit));
      if (!says) return;
      const names = hit && hit.band.dataset.names && hit.band.dataset.names.split("\n");
      says.textContent = !hit ? "" : names ? `${names[hit.cell]}, ${hit.band.dataset.platform}` : `Host ${hit.cell + 1} of ${hit.band.dataset.count}, ${hit.band.dataset.platform}: click to open`;
    });
    picture.addEventListener("click", (event) => {
      const hit = under(event);
      if (!hit) return;
      const query = new URLSearchParams(picture.dataset.query);
      query.set("platform", hit.band.dataset.platform);
      query.set("cell", String(hit.cell));
      location.assign(`/hosts?${query}`);
    });
  }
}

function followScan() {
  const box = document.getElementById("scan");
  if (!box || box.dataset.ended === "yes") return;
  const says = document.getElementById("scan-says"), bar = box.querySelector("progress");
  const stream = new EventSource(`/api/v1/scans/${encodeURIComponent(box.dataset.scan)}/events`);
  const show = (event) => {
    const scan = JSON.parse(event.data);
    says.textContent = `${scan.state}: ${scan.done} of ${scan.total} ${scan.total === 1 ? "host" : "hosts"}${scan.detail ? `; ${scan.detail}` : ""}`;
    bar.max = scan.total || 1;
    bar.value = scan.done;
    return scan;
  };
  stream.addEventListener("progress", show);
  stream.addEventListener("end", (event) => {
    stream.close();
    show(event);
    bar.value = bar.max;
    box.dataset.ended = "yes";
  });
}

// A slash goes to the search field, as on most sites.
function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const field = document.querySelector(".seek input");
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && field && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
  });
}

addCopyButtons();
showWhere();
followCells();
followScan();
listenToKeys();
