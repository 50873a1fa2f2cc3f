package terraform_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/monitoring/dashboard/apiv1/dashboardpb"
	"github.com/VictoriaMetrics/metricsql"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/encoding/protojson"
)

const monitoring = "modules/monitoring"

// defaults returns the values of monitoring's variables that the playbooks use.
func defaults() map[string]cty.Value {
	return map[string]cty.Value{
		"name": cty.StringVal("harvest"), "failure_percent": cty.NumberIntVal(5), "message_hours": cty.NumberIntVal(24),
		"gpu_hours_a_day": cty.NumberIntVal(24), "run_hours": cty.NumberIntVal(72),
		"objectives": cty.ObjectVal(map[string]cty.Value{
			"percent": cty.NumberIntVal(95), "seconds_per_million": cty.NumberIntVal(3600),
			"gpu_seconds_per_million": cty.NumberIntVal(75000), "selection_seconds": cty.NumberIntVal(600),
		}),
	}
}

// alertQueries returns the queries of all alerts by name.
func alertQueries(t *testing.T) map[string]string {
	t.Helper()
	queries := map[string]string{}
	for _, name := range []string{"line_alerts", "alerts", "objective_alerts", "gpu_alerts"} {
		for alert, v := range local(t, monitoring, name, defaults()).AsValueMap() {
			queries[alert] = text(v, "query")
		}
	}
	return queries
}

// TestPlaybooks requires a page for each alert, with the query of the alert, a query for the logs, and instructions.
func TestPlaybooks(t *testing.T) {
	t.Parallel()
	const folder = "../playbooks"
	pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	queries := alertQueries(t)
	list, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		if name != "README" && queries[name] == "" {
			t.Errorf("%s: there is no alert with this name", page)
		}
	}
	for name, query := range queries {
		if !strings.Contains(string(list), "]("+name+".md)") {
			t.Errorf("README.md does not list %s", name)
		}
		page, err := os.ReadFile(filepath.Join(folder, name+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		if len(page) > 8192 {
			t.Errorf("%s.md has %d bytes; an alert's documentation may have 8192", name, len(page))
		}
		for _, want := range []string{query, "\n## Look\n", "Logs Explorer", "\n## Do\n"} {
			if !strings.Contains(words(string(page)), words(want)) {
				t.Errorf("%s.md lacks %q", name, want)
			}
		}
		for _, link := range regexp.MustCompile(`\]\(([a-z-]+)\.md\)`).FindAllStringSubmatch(string(page), -1) {
			if queries[link[1]] == "" {
				t.Errorf("%s.md has a link to %s.md, which does not exist", name, link[1])
			}
		}
	}
}

// words returns a text in one line.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestQueries parses every query of alerts and the dashboard, and checks that its metrics exist.
func TestQueries(t *testing.T) {
	t.Parallel()
	queries := slices.Collect(maps.Values(alertQueries(t)))
	for _, d := range dashboard(t).GetMosaicLayout().GetTiles() {
		for _, set := range d.GetWidget().GetXyChart().GetDataSets() {
			queries = append(queries, set.GetTimeSeriesQuery().GetPrometheusQuery())
		}
	}
	if len(queries) < 16 {
		t.Errorf("found %d queries", len(queries))
	}
	metrics := knownMetrics(t)
	for _, query := range queries {
		e, err := metricsql.Parse(query)
		if err != nil {
			t.Errorf("%s\n%v", query, err)
			continue
		}
		metricsql.VisitAll(e, func(e metricsql.Expr) {
			m, ok := e.(*metricsql.MetricExpr)
			if !ok {
				return
			}
			for _, filters := range m.LabelFilterss {
				if filters[0].Label != "__name__" || !slices.Contains(metrics, filters[0].Value) {
					t.Errorf("%s\nthere is no metric %s", query, filters[0].Value)
				}
			}
		})
	}
}

// knownMetrics returns the names in PromQL of the metrics of Google's services, and of the metrics that are counted
// from logs.
// Sources: https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-pubsub and #gcp-run
func knownMetrics(t *testing.T) []string {
	t.Helper()
	known := []string{
		"pubsub_googleapis_com:subscription_num_undelivered_messages",
		"pubsub_googleapis_com:subscription_oldest_unacked_message_age",
		"pubsub_googleapis_com:subscription_push_request_count",
		"run_googleapis_com:container_instance_count",
		"run_googleapis_com:container_billable_instance_time",
	}
	user := local(t, monitoring, "user", defaults()).AsString()
	for name := range local(t, monitoring, "lines", defaults()).AsValueMap() {
		known = append(known, user+"_"+name)
	}
	for _, values := range []string{"values", "sidecar_values"} {
		for name := range local(t, monitoring, values, defaults()).AsValueMap() {
			known = append(known, user+"_"+name+"_sum", user+"_"+name+"_count", user+"_"+name+"_bucket")
		}
	}
	return known
}

// TestLogLines checks that the code logs every line that a metric counts.
func TestLogLines(t *testing.T) {
	t.Parallel()
	logged := logCalls(t)
	messages := []string{"shard done"}
	for _, v := range local(t, monitoring, "lines", defaults()).AsValueMap() {
		messages = append(messages, text(v, "message"))
	}
	for _, message := range messages {
		if !slices.ContainsFunc(logged, func(call string) bool { return strings.Contains(call, `"`+message+`"`) }) {
			t.Errorf("no code logs %q", message)
		}
	}
}

// TestSidecarLines checks that the sidecar logs the message and each field that a metric reads.
func TestSidecarLines(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("../../sidecar/service/report.py")
	if err != nil {
		t.Fatal(err)
	}
	message := regexp.MustCompile(`(?m)^MESSAGE = "(.*)"$`).FindSubmatch(code)
	filter := local(t, monitoring, "sidecar_work", defaults()).AsString()
	if message == nil || !strings.Contains(filter, string(message[1])) {
		t.Errorf("the sidecar logs %q", message)
	}
	for name, v := range local(t, monitoring, "sidecar_values", defaults()).AsValueMap() {
		if field := text(v, "field"); !strings.Contains(string(code), `"`+field+`"`) {
			t.Errorf("%s reads %s, which the sidecar does not log", name, field)
		}
	}
}

var logCall = regexp.MustCompile(`(?s)\.(?:Info|Warn|Error|Log)(?:Context)?\([^\n]*"[^\n]*(?:,\n[^\n]*)?`)

// logCalls returns the calls of the logger in the code of the functions and libraries.
func logCalls(t *testing.T) []string {
	t.Helper()
	var calls []string
	for _, root := range []string{"../../functions", "../../shared"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			code, err := os.ReadFile(path)
			calls = append(calls, logCall.FindAllString(string(code), -1)...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return calls
}

// TestDashboard checks that Cloud Monitoring can read the dashboard, and that its tiles do not overlap.
func TestDashboard(t *testing.T) {
	t.Parallel()
	layout := dashboard(t).GetMosaicLayout()
	taken := map[[2]int32]string{}
	for _, tile := range layout.GetTiles() {
		title := tile.GetWidget().GetTitle()
		if tile.XPos+tile.Width > layout.GetColumns() {
			t.Errorf("%s is wider than the dashboard", title)
		}
		for x := tile.XPos; x < tile.XPos+tile.Width; x++ {
			for y := tile.YPos; y < tile.YPos+tile.Height; y++ {
				if other := taken[[2]int32{x, y}]; other != "" && other != title {
					t.Fatalf("%s lies on %s", title, other)
				}
				taken[[2]int32{x, y}] = title
			}
		}
	}
}

// dashboard renders the dashboard like Terraform, and parses it like Cloud Monitoring's API.
func dashboard(t *testing.T) *dashboardpb.Dashboard {
	t.Helper()
	template, err := os.ReadFile(filepath.Join(monitoring, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	e, faults := hclsyntax.ParseTemplate(template, "dashboard.json", hcl.InitialPos)
	if faults.HasErrors() {
		t.Fatal(faults)
	}
	rendered, faults := e.Value(&hcl.EvalContext{Variables: map[string]cty.Value{
		"name": cty.StringVal("harvest"), "user": local(t, monitoring, "user", defaults()),
	}})
	if faults.HasErrors() {
		t.Fatal(faults)
	}
	d := &dashboardpb.Dashboard{}
	if err := protojson.Unmarshal([]byte(rendered.AsString()), d); err != nil {
		t.Fatalf("decoding the dashboard: %v", err)
	}
	return d
}
