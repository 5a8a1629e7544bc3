// A plot of seconds over time (uPlot), with a table for those who do not see it.
import { html, useEffect, useRef, Empty, duration } from "./ui.js";
import uPlot from "./vendor/uplot.js";

const COLOURS = ["#0d9488", "#b45309", "#6d28d9", "#be123c"];
const unit = (s) => (s == null ? "" : s < 90 ? s + " s" : s < 5400 ? Math.round(s / 60) + " min" : Math.round(s / 3600) + " h");

// Points come every minute, and of what is older than a day one an hour is kept; where more is missing, nobody knows.
const DAY = 86400;
const missing = (from, to, now) => to - from > (now - from > DAY ? 7260 : 600);

// One row of times for all series. As uPlot has it: null ends the line, undefined is only the other series' time.
function table(series, now) {
	const maps = series.map((s) => {
		const m = new Map(s.points);
		s.points.forEach(([at], i) => { if (i && missing(s.points[i - 1][0], at, now)) m.set(s.points[i - 1][0] + 1, null); });
		return m;
	});
	const at = [...new Set(maps.flatMap((m) => [...m.keys()]))].sort((a, b) => a - b);
	return [at, ...maps.map((m) => at.map((t) => m.get(t)))];
}

// What stands alone has no line: it is drawn as a point.
function alone(u, i) {
	const v = u.data[i].map((x, at) => [x, at]).filter(([x]) => x !== undefined);
	return v.filter(([x], k) => x != null && v[k - 1]?.[0] == null && v[k + 1]?.[0] == null).map(([, at]) => at);
}

function inWords(s, now) {
	if (!s.points.length) return `${s.name}: no measurement`;
	const [at, newest] = s.points.at(-1);
	const when = now - at > 600 ? `${duration(newest)} when last measured, ${duration(now - at)} ago` : `now ${duration(newest)}`;
	return `${s.name}: ${when}; at most ${duration(s.points.reduce((most, p) => Math.max(most, p[1]), 0))}`;
}

export function Plot({ series, hours }) {
	const box = useRef();
	const some = series.some((s) => s.points.length);
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
				series: [{}, ...series.map((s, i) => ({ label: s.name, stroke: COLOURS[i % 4], width: 2,
					fill: series.length === 1 ? COLOURS[0] + "22" : undefined, points: { show: true, size: 5, filter: alone } }))],
			}, table(series, now), box.current);
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
	const words = series.map((s) => inWords(s, Date.now() / 1000)).join(". ");
	return html`<figure class="plot"><div ref=${box} role="img" aria-label=${"Freshness. " + words}></div>
		<figcaption class="dim">${words}</figcaption></figure>`;
}
