package finetuning_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/study/finetuning"
)

// Every item of every example is in exactly one file. No item is both in training and in validation. The counts are
// correct.
func TestWrite(t *testing.T) {
	t.Parallel()
	rub := rubric.Default()
	var examples []finetuning.Example
	for i := range 20 {
		a := annotation.Annotation{ID: fmt.Sprint(i), Scores: make([]int8, len(rub.Capabilities))}
		if i%2 == 0 {
			a.Styles = rub.Styles[:1]
		}
		examples = append(examples, finetuning.Example{Annotation: a, Texts: []string{"Is a < b?", "Yes"}})
	}
	files := map[string]string{}
	written, err := finetuning.Write(examples, rub, 1, func(name string, write func(io.Writer) error) error {
		var content bytes.Buffer
		err := write(&content)
		files[name] = content.String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	counts := map[string]int{}
	for _, file := range written {
		var items []finetuning.Item
		if err := json.Unmarshal([]byte(files[file.Name]), &items); err != nil || len(items) != file.Items {
			t.Errorf("%s: %v; %d items, counted %d", file.Name, err, len(items), file.Items)
		}
		for _, item := range items {
			ids[item.ID] = true
		}
		counts[file.Name] = file.Samples
	}
	if want := 20*len(rub.Capabilities) + 10; len(ids) != want {
		t.Errorf("%d different items, want %d", len(ids), want)
	}
	if got := counts[finetuning.ScorerTrain] + counts[finetuning.ScorerValidation]; got != 20 {
		t.Errorf("%d samples for the scorer, want 20", got)
	}
	if diff := cmp.Diff(2, counts[finetuning.ScorerValidation]); diff != "" {
		t.Errorf("samples for validation (-want +got):\n%s", diff)
	}
	full := errors.New("disk full")
	create := func(string, func(io.Writer) error) error { return full }
	if _, err := finetuning.Write(examples, rub, 1, create); !errors.Is(err, full) {
		t.Errorf("error %v, want the error of create", err)
	}
}
