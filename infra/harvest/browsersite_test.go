package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/harvest-ml/harvest/shared/events"
)

// TestBrowserSite uses the pages of `harvest serve` in Chromium, from the first run to a selection that is made with
// the form. The pages request nothing from other servers, and both themes are accessible.
func TestBrowserSite(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	dir := t.TempDir()
	demo := demoFolder(t)
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	}))
	defer full.Close()
	serve := serving(t, dir, "LLM_URL="+full.URL+"/v1", "LLM_MODEL=busy")
	t.Cleanup(func() { _ = serve.cmd.Process.Kill() })
	home := strings.TrimSuffix(serve.url, "v1/runs")
	own := func(url string) bool { return strings.HasPrefix(url, home) }
	tab := openTab(t, browser, home, own)
	if !evaluate[bool](tab, `document.body.textContent.includes("There is no run yet")`) {
		t.Error("without a run the page does not say what to do")
	}
	tab.checkPage("empty")

	hostile := readFile(t, hostileDataset(t, filepath.Join(demo, "dataset.json"), dir))
	if err := os.CopyFS(filepath.Join(dir, "input", "images", "demo"), os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "input", "datasets", "demo", "parts", "a.json"), hostile)
	writeFile(t, filepath.Join(dir, "input", "datasets", "demo", "dataset.yaml"),
		"manifests: [parts/a.json]\nbudget: 30%\nmax_failed: 50%\n")
	made := serve.event(t, events.SelectionCompleted)
	tab.waitFor(`document.querySelector(".card .state.scored") !== null`) // the page updates the list automatically
	tab.checkPage("runs")
	runPage := home + "runs/" + made.Data.Run
	for name, path := range map[string]string{
		"run": "", "samples": "/samples?filter=rating.data+understanding%3E%3D1", "sample": "/samples/@0",
		"pair":   "/samples/@20",
		"select": "/select?budget=10%25",
	} {
		tab.visit(runPage + path)
		tab.checkPage(name)
	}
	tab.visit(runPage + "/samples?filter=status%3Dfailed")
	if n := evaluate[int](tab, `document.querySelectorAll(".card").length`); n != 2 {
		t.Errorf("%d samples failed, want 2", n)
	}
	tab.checkColumns(runPage)
	tab.checkForm(runPage)
	tab.checkWaiting(home, filepath.Join(dir, "input", "datasets", "waits"))
	tab.checkQuiet()
}

// checkColumns filters samples by a numeric field of their records, with the form.
func (r *reportTab) checkColumns(runPage string) {
	r.Helper()
	r.visit(runPage + "/samples")
	evaluate[bool](r, `(() => {
		const field = document.querySelector("form.fields").elements;
		field.column.value = "relevance";
		field.operator.value = ">=";
		field.number.value = "3";
		document.querySelector("form.fields button").click();
		return true;
	})()`)
	r.waitFor(`location.search.includes("column=relevance") && document.querySelectorAll(".card").length === 4`)
	r.waitFor(`document.querySelector("[name=number]").value === "3"`)
	r.checkPage("columns")
}

// checkWaiting starts a run whose scorer is overloaded, and checks that the run's pages show this.
func (r *reportTab) checkWaiting(home, folder string) {
	r.Helper()
	writeFile(r.T, filepath.Join(folder, "parts", "a.jsonl"), `{"id": "a", "conversations": [{"from": "human", `+
		`"value": "What is two and two?"}, {"from": "gpt", "value": "Four."}]}`+"\n")
	writeFile(r.T, filepath.Join(folder, "dataset.yaml"), "manifests: [parts/a.jsonl]\nscorer: llm\n")
	// Wait before the visit, because the page does not update the list while all runs are scored.
	until(r.T, "a run that waits", func() bool {
		answer, err := http.Get(home + "v1/runs")
		if err != nil {
			r.Fatal(err)
		}
		defer answer.Body.Close()
		list, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(list), `"waiting"`)
	})
	r.visit(home)
	r.waitFor(`document.querySelector(".waiting")?.textContent.includes("429") ?? false`)
	r.checkPage("waiting")
	evaluate[bool](r, `document.querySelector(".card:has(.waiting) h2 a").click() ?? true`)
	r.waitFor(`document.querySelector(".waiting")?.textContent.includes("Nothing is lost") ?? false`)
	r.checkPage("waiting-run")
}

// checkForm makes a selection with the form, and checks that the preview changes with the input.
func (r *reportTab) checkForm(runPage string) {
	r.Helper()
	r.visit(runPage + "/select")
	set := func(field, value string) {
		evaluate[bool](r, `(() => {
			const field = document.getElementById("select").elements["`+field+`"];
			field.value = "`+value+`";
			field.dispatchEvent(new Event("input", {bubbles: true}));
			return true;
		})()`)
	}
	set("budget", "20")
	r.waitFor(`document.querySelector("#preview .counts strong")?.textContent === "20"`)
	r.waitFor(`document.getElementById("preview").textContent.includes("--budget 20")`)
	set("budget", "a lot")
	r.waitFor(`document.querySelector("#preview .problem")?.textContent.includes("budget")`)
	set("budget", "20")
	r.waitFor(`document.querySelector("#preview .counts strong")?.textContent === "20"`)
	evaluate[bool](r, `document.querySelector("button.main").click() ?? true`)
	r.waitFor(`location.pathname.includes("/selections/") && document.querySelector(".state.completed") !== null`)
	r.waitFor(`document.querySelectorAll(".downloads a").length === 5`)
	r.checkPage("selection")
}

// checkPage checks that a page is safe, complete and accessible.
func (r *reportTab) checkPage(name string) {
	r.Helper()
	if evaluate[bool](r, `"hacked" in window`) {
		r.Errorf("%s: a text of the dataset ran as a script", name)
	}
	if n := evaluate[int](r, `document.querySelectorAll("[onerror], [style], script:not(:last-of-type)").length`); n > 0 {
		r.Errorf("%s: %d elements of the page come from the dataset, or have a style attribute", name, n)
	}
	r.waitFor(`Array.from(document.images).every(i => i.loading === "lazy" || i.complete)`)
	for _, theme := range []string{"light", "dark"} {
		r.setTheme(theme)
		r.checkAccessible(name + " " + theme)
		r.screenshots("site-" + name + "-" + theme)
	}
}

// visit opens a URL.
func (r *reportTab) visit(address string) {
	r.Helper()
	if err := chromedp.Do(r.ctx, chromedp.Navigate(address)); err != nil {
		r.Fatalf("%s: %v", address, err)
	}
}

// waitFor waits until a condition, a JavaScript expression, is true on the page.
func (r *reportTab) waitFor(condition string) {
	r.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		holds, err := chromedp.Run(r.ctx, chromedp.Evaluate[bool](condition, chromedp.EvalAwaitPromise))
		if err == nil && holds {
			return
		}
		if time.Now().After(end) {
			text := evaluate[string](r, `document.body.innerText.slice(0, 2000)`)
			r.Fatalf("the page never fulfilled %s (%v): %s", condition, err, text)
		}
	}
}
