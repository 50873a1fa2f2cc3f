package dataset_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

func TestEachSample(t *testing.T) {
	t.Parallel()
	const turns = `"conversations":[{"from":"human","value":"Why?"},{"from":"gpt","value":"Because."}]`
	record := func(id string) string { return `{"id":"` + id + `",` + turns + `}` }
	read := func(manifest string, use func(*dataset.Sample) error) error {
		return dataset.EachSample(strings.NewReader(manifest), "m", dataset.Limits{MaxRecordBytes: 1 << 20}, forms.Parse, use)
	}
	for name, manifest := range map[string]string{
		"array": "[" + record("a") + "," + record("a") + `,{"id":"b"}]`,
		"lines": record("a") + "\n" + record("a") + "\n" + `{"id":"b"}` + "\n",
	} {
		var got []string
		err := read(manifest, func(s *dataset.Sample) error {
			if s.Problem != nil {
				s.ID += " with a problem"
			}
			got = append(got, s.ID)
			return nil
		})
		if diff := cmp.Diff([]string{"a", "a", "b with a problem"}, got); diff != "" || err != nil {
			t.Errorf("%s: %v; samples (-want +got):\n%s", name, err, diff)
		}
	}
	stop := errors.New("enough")
	if err := read(record("a"), func(*dataset.Sample) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want that of the caller", err)
	}
	if err := read("[1", func(*dataset.Sample) error { return nil }); err == nil {
		t.Error("an incomplete manifest is read without an error")
	}
}
