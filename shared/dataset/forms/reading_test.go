package forms_test

import (
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// TestWrongForm reads records in forms that they do not have.
func TestWrongForm(t *testing.T) {
	t.Parallel()
	const (
		swift = `{"images": ["1.jpg"], "messages": [{"role": "user", "content": "<image>Why?"}, ` +
			`{"role": "assistant", "content": "So."}]}`
		unmarked = `{"images": ["1.jpg"], "messages": [{"role": "user", "content": "Why?"}, ` +
			`{"role": "assistant", "content": "So."}]}`
		text  = `{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}`
		empty = `{"image": "1.jpg", "conversations": [{"from": "human", "value": ""}]}`
		looks = `looks like the form "ms-swift"`
	)
	for name, tt := range map[string]struct {
		form, record string
		code         reason.Code
		says         string // empty if the detail names no form
	}{
		"another list of turns":    {"LLaVA", text, dataset.NoConversation, `looks like the form "OpenAI messages"`},
		"images by another field":  {"imagefolder", swift, dataset.UnsupportedMedia, looks},
		"images without marks":     {"imagefolder", unmarked, dataset.UnsupportedMedia, looks},
		"no image at all":          {"imagefolder", text, "", ""},
		"a form that reads it too": {"OpenAI messages", swift, "", ""},
		"a fault of the record":    {"LLaMA-Factory sharegpt", empty, dataset.NoAnswer, ""},
		"its own form":             {"ms-swift", unmarked, "", ""},
	} {
		parse, err := forms.Reading{Form: tt.form}.Parser()
		if err != nil {
			t.Fatal(err)
		}
		sample := parse([]byte(tt.record), dataset.Place{Manifest: "a.json", Element: 1})
		var code reason.Code
		var detail string
		if sample.Problem != nil {
			code, detail = sample.Problem.Code, sample.Problem.Detail
		}
		if code != tt.code || !strings.Contains(detail, tt.says) ||
			strings.Contains(detail, "--format") != (tt.says != "") {
			t.Errorf("%s: fault %q, %q; want %q and %q", name, code, detail, tt.code, tt.says)
		}
	}
}
