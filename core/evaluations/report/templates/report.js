"use strict";
for (const place of document.querySelectorAll(".figure")) {
  const { data, layout } = JSON.parse(document.getElementById(`${place.id}-data`).textContent);
  const image = { format: "svg", filename: place.id };
  Plotly.newPlot(place, data, layout, { displaylogo: false, responsive: false, toImageButtonOptions: image });
}
