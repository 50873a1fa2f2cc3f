package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// A parameter describes a parameter of a selection.
type parameter struct {
	flag   string // an example, as a user types it
	fields string // the same example in JSON
	// meaning is the help text of the flag.
	meaning string
}

// parameters returns all parameters of a selection. A test checks that the two forms of each example mean the same.
func parameters() []parameter {
	list := []parameter{
		{flag: `--budget 5%,10%,30%`, fields: `"budget": "30%", "within": ["5%", "10%"]`},
		{
			flag:   `--capabilities "logical deduction,stem knowledge"`,
			fields: `"capabilities": ["logical deduction", "stem knowledge"]`,
		},
		{flag: `--weights "stem knowledge=3"`, fields: `"weights": {"stem knowledge": 3}`},
		{flag: `--threshold 1`, fields: `"threshold": 1`},
		{flag: `--thresholds humanities=2`, fields: `"thresholds": {"humanities": 2}`},
		{flag: `--strategy descending`, fields: `"strategy": "descending"`},
		{flag: `--within-bin score`, fields: `"within_bin": "score"`},
		{flag: `--keep-styles comparison`, fields: `"styles": {"keep": ["comparison"]}`},
		{flag: `--drop-styles yes/no`, fields: `"styles": {"drop": ["yes/no"]}`},
		{flag: `--keep-sources chartqa,geo170k`, fields: `"sources": {"keep": ["chartqa", "geo170k"]}`},
		{flag: `--drop-sources coco`, fields: `"sources": {"drop": ["coco"]}`},
		{flag: `--unique`, fields: `"unique": true`},
		{flag: `--include FILE`, fields: `"include": ["chart-0001"]`},
		{flag: `--exclude FILE`, fields: `"exclude": ["chart-0001"]`},
		{flag: `--minimums geo170k=500`, fields: `"minimums": {"geo170k": 500}`},
		{flag: `--cap-source 10%`, fields: `"caps": {"source": "10%"}`},
		{flag: `--cap-style 2000`, fields: `"caps": {"style": 2000}`},
		{flag: `--cap-image 3`, fields: `"caps": {"image": 3}`},
		{flag: `--cap-modality text-only=10%`, fields: `"caps": {"modality": {"text-only": "10%"}}`},
		{flag: `--mix FILE`, fields: `"mix": {"sources": {"chartqa": {"share": "20%"}}}`},
		{flag: `--scores-from parts/relevance.csv`, fields: `"scores_from": "parts/relevance.csv"`},
		{flag: `--where "relevance>=3"`, fields: `"where": ["relevance>=3"]`},
		{flag: `--tie-break -perplexity`, fields: `"tie_break": "-perplexity"`},
		{flag: `--by relevance`, fields: `"by": "relevance"`},
		{flag: `--cap-template 5%`, fields: `"caps": {"template": "5%"}`},
		{flag: `--max-per-cluster 1`, fields: `"caps": {"cluster": 1}`},
		{flag: `--exclude-near FILE`, fields: `"exclude_near": ["benchmarks/mmbench.tsv"]`},
		{flag: `--exclude-images`, fields: `"exclude_images": true`},
		{flag: `--visual-tokens qwen2.5-vl`, fields: `"visual_tokens": "qwen2.5-vl"`},
		{flag: `--seed 7`, fields: `"seed": 7`},
		{flag: `--ratings-only`, fields: `"ratings_only": true`},
	}
	var flags selectionFlags
	cmd := &cobra.Command{}
	flags.add(cmd)
	for i := range list {
		name, _ := list[i].split()
		list[i].meaning = cmd.Flags().Lookup(name).Usage
	}
	return list
}

// split returns the name and the value of the flag in the example.
func (p parameter) split() (name, value string) {
	name, value, _ = strings.Cut(strings.TrimPrefix(p.flag, "--"), " ")
	return name, strings.Trim(value, `"`)
}

// parameterTopic returns the list of parameters for a terminal.
func parameterTopic() string {
	var b strings.Builder
	b.WriteString("Flags of curate and select, and the same parameters in JSON for the HTTP API\n" +
		"(in YAML for dataset.yaml and --arms):\n")
	for _, p := range parameters() {
		fmt.Fprintf(&b, "\n%s\n  %s\n%s\n", p.flag, p.fields, folded(p.meaning, "    "))
	}
	return b.String()
}

// parameterRows returns the parameters as a table in Markdown.
func parameterRows() string {
	var b strings.Builder
	b.WriteString("| flag | in JSON | what it does |\n| --- | --- | --- |\n")
	for _, p := range parameters() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", p.flag, p.fields, p.meaning)
	}
	return b.String()
}
