// A plot of seconds over time (uPlot), with a table for those who do not see it.
import { html, useEffect, useRef, Empty, duration } from "./ui.js";
import uPlot from "./vendor/uplot.js";

const COLOURS = ["#0d9488", "#b45309", "#6d28d9", "#be123c"];
const unit = (s) => (s == null ? "" : s < 90 ? s + " s" : s < 5400 ? Math.round(s / 60) + " min" : Math.round(s / 3600) + " h");

// One row of times for all series.
function table(series) {
	const at = [...new Set(series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
	const of = (s) => {
		const m = new Map(s.points);
		return at.map((t) => m.get(t) ?? null);
	};
	return [at, ...series.map(of)];
}

export function Plot({ series, hours }) {
	const box = useRef();
	const some = series.some((s) => s.points.length > 1);
	useEffect(() => {
		if (!some) return;
		let plot;
		const draw = () => {
			plot?.destroy();
			const css = getComputedStyle(document.documentElement);
			const ink = css.getPropertyValue("--pico-muted-color").trim(), line = css.getPropertyValue("--pico-muted-border-color").trim();
			const now = Date.now() / 1000;
			const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
			plot = new uPlot({
				width: box.current.clientWidth, height: 190,
				scales: { x: { range: [now - hours * 3600, now] }, y: { range: (u, min, max) => [0, Math.max(10, max * 1.1)] } },
				legend: { show: series.length > 1 },
				cursor: { y: false },
				axes: [{ ...axis, space: 60, values: (u, ts) => ts.map((t) => new Date(t * 1000).toLocaleString("en-GB",
					hours > 24 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" })) }, { ...axis, size: 58, values: (u, vs) => vs.map(unit) }],
				series: [{}, ...series.map((s, i) => ({ label: s.name, stroke: COLOURS[i % 4], width: 2, spanGaps: true,
					fill: series.length === 1 ? COLOURS[0] + "22" : undefined, points: { show: false } }))],
			}, table(series), box.current);
		};
		draw();
		const size = new ResizeObserver(() => plot.setSize({ width: box.current.clientWidth, height: 190 }));
		size.observe(box.current);
		const system = matchMedia("(prefers-color-scheme: dark)");
		system.addEventListener("change", draw);
		addEventListener("theme", draw);
		return () => { size.disconnect(); removeEventListener("theme", draw); system.removeEventListener("change", draw); plot.destroy(); };
	}, [series, hours, some]);
	if (!some) return html`<${Empty}>No measurements yet. They come with the first runs.</${Empty}>`;
	const words = series.map((s) => {
		const v = s.points.map((p) => p[1]);
		return `${s.name}: now ${duration(v.at(-1))}, at most ${duration(Math.max(...v))}`;
	}).join("; ");
	return html`<figure class="plot"><div ref=${box} role="img" aria-label=${"Freshness. " + words}></div>
		<figcaption class="dim">${words}</figcaption></figure>`;
}
