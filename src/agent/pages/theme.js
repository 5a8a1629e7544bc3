// Before anything is drawn: the theme that was chosen, else the system's.
(() => {
	let theme = null;
	try { theme = localStorage.getItem("theme"); } catch { /* not allowed: the system's */ }
	if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
