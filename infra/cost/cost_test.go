package cost_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/markdown"
)

var update = flag.Bool("update", false, "write the computed parts of pages")

const page = "../README.md"

// million is the number of samples of the table.
const million = 1e6

// A row is a line of a table whose columns are summed.
type row struct {
	what   string
	prices []float64 // US dollars by column; a cell with 0 is empty
}

// table writes rows and their sum.
func table(head string, columns int, rows []row) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n|%s\n", head, strings.Repeat(" --- |", columns+1))
	sums := make([]float64, columns)
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s |", r.what)
		for i, dollars := range r.prices {
			sums[i] += dollars
			out.WriteString(cell("%s", dollars))
		}
		out.WriteString("\n")
	}
	out.WriteString("| **together** |")
	for _, dollars := range sums {
		out.WriteString(cell("**%s**", dollars))
	}
	return out.String() + "\n"
}

func cell(form string, dollars float64) string {
	switch {
	case dollars == 0:
		return " |"
	case dollars >= 100:
		return " " + fmt.Sprintf(form, fmt.Sprintf("%.0f", dollars)) + " |"
	}
	return " " + fmt.Sprintf(form, fmt.Sprintf("%.2f", dollars)) + " |"
}

// rating returns the cost of a million samples with the scorer embedded, in US dollars.
func rating() float64 {
	return million / embeddedRate * imageWait * (2*requestVCPU + 2*requestGiB)
}

// TestPerMillion computes the cost of a million samples. Tests that write the page are not parallel.
func TestPerMillion(t *testing.T) {
	shards := million / shardSamples
	reads, objects := million*imageReads*classB, shards*shardObjects*classA
	same := func(dollars float64) []float64 { return []float64{dollars, dollars, dollars} }
	rows := []row{
		{
			fmt.Sprintf("rating: 1 M / %.0f a second on 2 vCPU and 2 GiB x ($0.000024 a vCPU-second, $0.0000025 a "+
				"GiB-second) x 3, because instances wait for images", embeddedRate), []float64{rating(), 0, 0},
		},
	}
	for i, g := range []gpu{l4, rtx} {
		prices := []float64{0, 0, 0}
		prices[i+1] = g.gpuHours(million) * g.hour()
		rows = append(rows, row{fmt.Sprintf(
			"rating: 1 M x %.0f TFLOP / (%.0f TFLOP/s x %.0f %%) = %.0f h, not measured in a cloud; with the rest of the work "+
				"%.0f h x $%.2f", tflopSample, g.tflops, 100*utilisation, g.gpuHours(million)/rest, g.gpuHours(million), g.hour(),
		), prices})
	}
	rows = append(rows,
		row{fmt.Sprintf("1 M images x %.0f request (two after a sample's eighth image, or after 4 MB), $0.0004 a thousand",
			imageReads),
			same(reads)},
		row{fmt.Sprintf("%s shards x %.0f requests that create or list objects, $0.005 a thousand", thousands(shards),
			shardObjects),
			same(objects)},
		row{"ingest, selection, messages, logs", same(otherWork)},
	)
	defaults := regexp.MustCompile(`default *= \{ embedded = ([0-9.]+), gpu = ([0-9.]+) \}`).
		FindStringSubmatch(read(t, "../terraform/variables.tf"))
	for column, given := range defaults[1:] {
		dollars, err := strconv.ParseFloat(given, 64)
		sum := 0.0
		for _, r := range rows {
			sum += r.prices[column]
		}
		if err != nil || dollars < sum-0.01 || dollars > sum+3 {
			t.Errorf("cost_per_million is %s in column %d of the table, which adds up to %.2f", given, column, sum)
		}
	}
	head := fmt.Sprintf("| | embedded | gpu (%s) | gpu (%s) |", l4.name, rtx.name)
	markdown.CheckGenerated(t, page, "cost of a million", table(head, 3, rows), *update)
}

func thousands(n float64) string {
	return regexp.MustCompile(`(\d)(\d{3})$`).ReplaceAllString(fmt.Sprintf("%.0f", n), "$1,$2")
}

// TestIdle computes the cost of a month without scoring.
func TestIdle(t *testing.T) {
	const turns = 30 * 24 * 6 // calls of the schedule in a month
	seconds := turns * (2*requestVCPU + 4*requestGiB)
	lists := turns * 2 * classA
	queries := read(t, "../terraform/modules/monitoring/queries.tf")
	alerts := len(regexp.MustCompile(`title *= "`).FindAllString(queries, -1))
	rows := []row{
		{fmt.Sprintf("the schedule: $%.2f; its calls of `curate`: %s seconds of 2 vCPU and 4 GiB, $%.2f; two list "+
			"requests for each call: $%.2f",
			schedule, thousands(turns), seconds, lists), []float64{schedule + seconds + lists, schedule + seconds + lists}},
		{"registry: 0.1 GB for each image of the functions, 8 GB for each image of the sidecar, $0.10 a GB; common layers " +
			"count once",
			[]float64{0.1 * registryGB, 8.1 * registryGB}},
		{fmt.Sprintf("weights: %.0f GB as released, $0.02 a GB; %.0f GB in fp8", rtx.weights, l4.weights),
			[]float64{0, rtx.weights * storageGB}},
		{fmt.Sprintf("%d alerts at most, $0.10 each; a secret", alerts),
			[]float64{float64(alerts)*alert + secret, float64(alerts)*alert + secret}},
		{fmt.Sprintf("your data: a million images of %.0f kB, $0.02 a GB", imageKB),
			[]float64{million * imageKB / 1e6 * storageGB, million * imageKB / 1e6 * storageGB}},
	}
	head := "| costs of a month | without a GPU | with a GPU |"
	markdown.CheckGenerated(t, page, "cost of a month", table(head, 2, rows), *update)
}

// TestGPUs computes the table of the two kinds of GPU.
func TestGPUs(t *testing.T) {
	var out strings.Builder
	out.WriteString("| | L4 | RTX PRO 6000 |\n| --- | --- | --- |\n")
	for _, r := range []struct {
		what, form string
		value      func(gpu) float64
	}{
		{"the GPU, an hour", "$%.2f", func(g gpu) float64 { return 3600 * g.second }},
		{"vCPU of its instance, $0.0648 each an hour", "%.0f", func(g gpu) float64 { return g.vCPU }},
		{"GiB of its instance, $0.0072 each an hour", "%.0f", func(g gpu) float64 { return g.gib }},
		{"**the instance, an hour**", "**$%.2f**", gpu.hour},
		{"the instance, a day", "$%.0f", func(g gpu) float64 { return 24 * g.hour() }},
		{"dense bf16, TFLOP/s", "%.0f", func(g gpu) float64 { return g.tflops }},
		{"hours for a million samples", "%.0f", func(g gpu) float64 { return g.gpuHours(million) }},
		{"**a million samples**", "**$%.0f**", func(g gpu) float64 { return g.gpuHours(million) * g.hour() }},
		{"days for 2.6 million samples on two GPUs", "%.1f", func(g gpu) float64 { return g.gpuHours(2.6e6) / 2 / 24 }},
		{"15 idle minutes at the end", "$%.2f", func(g gpu) float64 { return g.hour() / 4 }},
	} {
		fmt.Fprintf(&out, "| %s | "+r.form+" | "+r.form+" |\n", r.what, r.value(l4), r.value(rtx))
	}
	out.WriteString("| memory | 24 GB: fp8 weights | 96 GB: both models as released |\n")
	out.WriteString("| driver, and the build of torch | 535, CUDA 12.6 | 580, CUDA 13.0 |\n")
	markdown.CheckGenerated(t, page, "kinds of GPU", out.String(), *update)
}

// TestNearline checks the figures that explain why images are not moved to cheaper storage.
func TestNearline(t *testing.T) {
	t.Parallel()
	move := million * nearline
	saved := million * imageKB / 1e6 * (storageGB - nearlineGB)
	want := fmt.Sprintf("moving a million images costs %.0f US dollars in operations, and saves %.2f US dollars a month",
		move, saved)
	text := strings.Join(strings.Fields(read(t, "../terraform/variables.tf")), " ")
	if !strings.Contains(text, want) {
		t.Errorf("variables.tf lacks %q", want)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
