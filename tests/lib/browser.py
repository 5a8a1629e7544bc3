"""A browser for tests: Debian's Chromium, driven by tests/browser/driver.mjs."""
import json
import os
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MODULES = os.path.join(ROOT, "build", "browser")
SCREENS = os.path.join(ROOT, "build", "screens")


# The page's next request whose address holds WORD is answered when letGo() says so, which ends once the page has heard it.
HOLD = """(() => { const real = window.fetch; let free = true; delete window.letGo;
    window.fetch = async (url, how) => {
        const mine = free && url.includes(WORD);
        if (mine) free = false;
        const answer = await real(url, how);
        if (!mine) return answer;
        const json = answer.json.bind(answer);
        await new Promise((go) => { window.letGo = () => new Promise((heard) => {
            answer.json = async () => { const value = await json(); setTimeout(heard); return value; };
            go(); }); });
        return answer;
    }; })()"""
HELD = "new Promise((done) => { const look = () => window.letGo ? done() : setTimeout(look, 10); look(); })"


class Browser:
    def __init__(self):
        os.makedirs(SCREENS, exist_ok=True)
        self.process = subprocess.Popen(
            ["node", os.path.join(ROOT, "tests", "browser", "driver.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=dict(os.environ, BROWSER_MODULES=MODULES))
        self.number = 0

    def __call__(self, op, **rest):
        self.number += 1
        self.process.stdin.write(json.dumps(dict(rest, id=self.number, op=op)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{op} {rest}: {answer['error']}"
        return answer["value"]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    # --- words ---

    def goto(self, url):
        self("goto", url=url)

    def page(self, hash_):
        self("hash", hash="#/" + hash_)

    def button(self, name, **more):
        self("click", role="button", name=name, **more)

    def link(self, name, **more):
        self("click", role="link", name=name, **more)

    def fill(self, label, value, **more):
        self("fill", label=label, value=value, **more)

    def see(self, text, timeout=30000, **more):
        self("see", text=text, timeout=timeout, **more)

    def heading(self, name):
        self("see", role="heading", name=name)

    # --- answers that come late ---

    def hold(self, word):
        self("eval", js=HOLD.replace("WORD", json.dumps(word)))

    def held(self):
        """Waits until the answer that is held back is there."""
        self("eval", js=HELD)

    def let_go(self):
        """Ends when the page has done with it what it does."""
        self("eval", js="window.letGo()")

    def shot(self, name):
        """At both widths, light and dark. Says what is wrong: too wide, or against accessibility."""
        found = []
        for width, height in ((1280, 900), (390, 844)):
            self("size", width=width, height=height)
            for dark in (False, True):
                self("dark", on=dark)
                where = f"{name}-{width}{'-dark' if dark else ''}"
                self("shot", path=os.path.join(SCREENS, where + ".png"))
                found += [f"{where}: {f}" for f in self("axe")]
            over = self("wide")
            if over > 0:
                found.append(f"{name}: {over} px too wide at {width}")
        self("dark", on=False)
        return found
