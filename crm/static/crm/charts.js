// Draws every <canvas data-chart="ID"> from the JSON of the script element ID, in the colours of the theme.
// The JSON: labels, series (name, tone, values), and horizontal: true for few thick bars that lie.
(() => {
  const charts = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const settings = (data) => ({
    type: "bar",
    data: {
      labels: data.labels,
      datasets: data.series.map((series) => ({
        label: series.name,
        data: series.values,
        backgroundColor: colour(`--${series.tone}-fill`),
        borderColor: colour("--surface"),
        borderWidth: data.horizontal ? { right: 1 } : { top: 1 },
        borderSkipped: false,
        borderRadius: 2,
        maxBarThickness: data.horizontal ? 34 : 22,
        categoryPercentage: 0.86,
      })),
    },
    options: {
      animation: false,
      indexAxis: data.horizontal ? "y" : "x",
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: false }, // the page has its own, with words
        tooltip: {
          backgroundColor: colour("--ink"),
          titleColor: colour("--surface"),
          bodyColor: colour("--surface"),
          padding: 10,
          boxPadding: 4,
          cornerRadius: 6,
        },
      },
      scales: {
        x: {
          stacked: true,
          grid: { display: Boolean(data.horizontal), color: colour("--line") },
          border: { color: colour("--line") },
          ticks: { color: colour("--ink-faint"), precision: 0, maxRotation: 0, autoSkipPadding: 18 },
        },
        y: {
          stacked: true,
          beginAtZero: true,
          border: { display: false },
          grid: { display: !data.horizontal, color: colour("--line") },
          ticks: { color: colour("--ink-faint"), precision: 0, maxTicksLimit: 5 },
        },
      },
    },
  });

  const draw = () => {
    const font = getComputedStyle(document.body);
    Chart.defaults.font.family = font.fontFamily;
    Chart.defaults.font.size = 12;
    document.querySelectorAll("canvas[data-chart]").forEach((canvas) => {
      charts.get(canvas)?.destroy();
      const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
      charts.set(canvas, new Chart(canvas, settings(data)));
    });
  };

  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("rebound:theme", () => { if (charts.size) draw(); });
})();
