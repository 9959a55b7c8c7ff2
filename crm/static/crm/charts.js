// Draws every <canvas data-chart="ID"> from the JSON of the script element ID, in the colours of the theme.
// The JSON: labels, series (name, tone, values), and horizontal: true for few thick bars that lie; or kind: "rates" for
// lines in per cent (null is a gap), with limits (name, tone, value) as dashed lines.
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

  const rates = (data) => {
    const chart = settings(data);
    const line = { type: "line", borderWidth: 2, pointRadius: 0, pointHitRadius: 8, pointHoverRadius: 4, tension: 0.25, spanGaps: false };
    chart.type = "line";
    chart.data.datasets = [
      ...data.series.map((series) => ({
        ...line, label: series.name, data: series.values,
        borderColor: colour(`--${series.tone}-fill`), backgroundColor: colour(`--${series.tone}-fill`),
      })),
      ...data.limits.map((limit) => ({
        ...line, label: limit.name, data: data.labels.map(() => limit.value), borderDash: [6, 4], borderWidth: 1,
        borderColor: colour(`--${limit.tone}`), backgroundColor: colour(`--${limit.tone}`), pointHoverRadius: 0,
      })),
    ];
    chart.options.plugins.tooltip.callbacks = { label: (item) => ` ${item.dataset.label}: ${item.formattedValue}%` };
    chart.options.plugins.tooltip.filter = (item) => item.datasetIndex < data.series.length;
    chart.options.scales.x.stacked = false;
    chart.options.scales.y.stacked = false;
    chart.options.scales.y.suggestedMax = 2.5;
    chart.options.scales.y.ticks = { ...chart.options.scales.y.ticks, precision: undefined, callback: (value) => `${value}%` };
    return chart;
  };

  const draw = () => {
    const font = getComputedStyle(document.body);
    Chart.defaults.font.family = font.fontFamily;
    Chart.defaults.font.size = 12;
    document.querySelectorAll("canvas[data-chart]").forEach((canvas) => {
      charts.get(canvas)?.destroy();
      const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
      charts.set(canvas, new Chart(canvas, data.kind === "rates" ? rates(data) : settings(data)));
    });
  };

  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("rebound:theme", () => { if (charts.size) draw(); });
})();
