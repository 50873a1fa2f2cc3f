package markdown_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/markdown"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const source = "# The `llm` scorer, v2\n\nSee [b](b.md#x) and\n`go test\n./...`.\n\n## Time\n\n## Time\n\n" +
		"| a |\n| --- |\n| ![p](p.png) |\n\n```sh cloud\nls\n```\n\n    indented\n"
	got := markdown.Parse("a.md", []byte(source))
	want := &markdown.Page{
		Path: "a.md", Source: []byte(source),
		Anchors: map[string]bool{"the-llm-scorer-v2": true, "time": true, "time-1": true},
		Links:   []markdown.Link{{Line: 3, Destination: "b.md#x"}, {Line: 13, Destination: "p.png"}},
		Spans:   []markdown.Span{{Line: 1, Text: "llm"}, {Line: 3, Text: "go test ./..."}},
		Blocks: []markdown.Block{
			{Line: 16, Language: "sh", Needs: "cloud", Fenced: true, Text: "ls\n"}, {Line: 19, Text: "indented\n"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
