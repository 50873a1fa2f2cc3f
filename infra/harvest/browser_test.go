package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrowser opens reports in Chromium: charts, filters and search work, both themes are accessible, and the reports
// load no other files. HARVEST_AXE is the file of axe-core. HARVEST_SCREENSHOTS is a folder for screenshots of the
// reports, including the report of the real pool.
func TestBrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	dir := t.TempDir()
	demo := demoFolder(t)
	hostile := hostileDataset(t, filepath.Join(demo, "dataset.json"), dir)
	reports := map[string][]string{
		"demo":    {filepath.Join(demo, "dataset.json")},
		"hostile": {"--images", demo, "--max-failed", "50%", hostile},
	}
	pool := filepath.Join("..", "..", "..", "shared", "data", "pool")
	if abs, err := filepath.Abs(pool); err == nil && os.Getenv("HARVEST_SCREENSHOTS") != "" {
		if _, err := os.Stat(abs); err == nil {
			reports["pool"] = []string{"--images", filepath.Join(abs, "images"), filepath.Join(abs, "dataset.json")}
		}
	}
	for name, args := range reports {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(dir, "out-"+name)
			mustHarvest(t, dir, append([]string{
				"curate", "--quiet", "--budget", "30%", "--state", "state", "--out", out,
			}, args...)...)
			tab := openTab(t, browser, "file://"+filepath.Join(out, reportFile), func(string) bool { return false })
			tab.checkCharts()
			tab.checkFilters()
			if name == "hostile" {
				tab.checkInert()
			}
			for _, theme := range []string{"light", "dark"} {
				tab.setTheme(theme)
				tab.checkAccessible(theme)
				tab.screenshots(name + "-" + theme)
			}
			tab.checkQuiet()
		})
	}
}

// attack runs a script if a page treats it as markup.
const attack = `<script>window.hacked=1</script><img src=x onerror="window.hacked=1">` +
	`<a href="javascript:window.hacked=1">x</a>` +
	"\u202Egnp.exe\u202C </style></script>"

// hostileDataset writes the demo with additional first records. The texts of these records run scripts if a page treats
// them as markup, and one image is missing.
func hostileDataset(t *testing.T, demo, dir string) string {
	t.Helper()
	var records []map[string]any
	decode(t, readFile(t, demo), &records)
	image := records[0]["image"]
	for i := range 12 {
		records[i]["id"] = fmt.Sprintf("%s%d", attack, i)
		records[i]["data_source"] = attack
		records[i]["relevance"], records[i][attack] = i%5, i // numbers by which samples can be filtered
		records[i]["conversations"] = []map[string]string{
			{
				"from":  "human",
				"value": "<image>\n" + attack,
			}, {"from": "gpt", "value": attack + strings.Repeat("long ", 20_000)},
		}
	}
	records[0]["image"], records[1]["image"] = "gone/"+attack+".png", image
	data, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "hostile.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkCharts checks that each chart of a report has marks, a table and files.
func (r *reportTab) checkCharts() {
	r.Helper()
	type chart struct {
		ID                  string
		Marks, Rows         int
		Width               float64
		Reading, Title, CSV string
		Clipped             []string
	}
	charts := evaluate[[]chart](r, `Array.from(document.querySelectorAll("figure")).map(f => {
		const svg = f.querySelector("svg.chart"), box = svg.getBoundingClientRect();
		return {ID: f.id, Marks: svg.querySelectorAll("rect, circle").length, Rows: f.querySelectorAll("tbody tr").length,
			Width: box.width, Reading: f.querySelector("p").textContent, Title: svg.querySelector("title").textContent,
			CSV: f.querySelector("a[download$=csv]").href,
			Clipped: Array.from(svg.querySelectorAll("text")).filter(t => {
				const b = t.getBoundingClientRect();
				return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1;
			}).map(t => t.textContent)};
	})`)
	if len(charts) != 14 {
		r.Errorf("%d charts, want 14", len(charts))
	}
	for _, c := range charts {
		if c.Marks < 2 || c.Rows == 0 || c.Width < 300 || c.Reading == "" || c.Title == "" || len(c.CSV) < 50 {
			r.Errorf("chart %+v is empty", c)
		}
		if len(c.Clipped) > 0 {
			r.Errorf("chart %s cuts off %q", c.ID, c.Clipped)
		}
	}
}

// checkFilters checks the filters and the search.
func (r *reportTab) checkFilters() {
	r.Helper()
	shown := func(set string) int {
		return evaluate[int](r, `(() => {
			const form = document.getElementById("filters"), field = form.elements;
			form.reset();
			`+set+`
			form.dispatchEvent(new Event("input", {bubbles: true}));
			return document.querySelectorAll(".card:not([hidden])").length;
		})()`)
	}
	all := shown("")
	if all < 50 {
		r.Errorf("%d samples in the gallery", all)
	}
	for name, set := range map[string]string{
		"kind": `field.kind.value = "best"`, "status": `field.status.value = "left"`, "rating": `field.rating.value = 5`,
		"capability": `field.capability.selectedIndex = 3; field.rating.value = 2`, "style": `field.style.selectedIndex = 1`,
		"source": `field.source.selectedIndex = 2`,
		"search": `field.search.value = document.querySelector(".card h3").textContent`,
	} {
		if n := shown(set + ";"); n == 0 || n == all {
			r.Errorf("%s: %d of %d samples are shown", name, n, all)
		}
	}
	if n := shown(`field.search.value = "qqzzxxjj";`); n != 0 {
		r.Errorf("an empty search shows %d samples", n)
	}
	if n := shown(""); n != all {
		r.Errorf("without filters %d of %d samples are shown", n, all)
	}
}

// checkInert checks that texts of the dataset are shown as text.
func (r *reportTab) checkInert() {
	r.Helper()
	if evaluate[bool](r, `"hacked" in window`) {
		r.Error("a text of the dataset ran as a script")
	}
	foreign := `"a[href^='javascript:' i], [onerror], script:not(:last-of-type)"`
	if n := evaluate[int](r, `document.querySelectorAll(`+foreign+`).length`); n > 0 {
		r.Errorf("%d elements of the page come from the dataset", n)
	}
	if evaluate[bool](r, `/[\u202A-\u202E\u2066-\u2069]/.test(document.documentElement.outerHTML)`) {
		r.Error("a character that turns the direction of writing is in the page")
	}
	if !evaluate[bool](r, `document.body.textContent.includes("<script>window.hacked=1")`) {
		r.Error("the text is not shown as it is")
	}
	if !evaluate[bool](
		r,
		`Array.from(document.querySelectorAll("p.picture")).some(p => p.textContent.includes("not found"))`,
	) {
		r.Error("a missing image has no placeholder")
	}
}
