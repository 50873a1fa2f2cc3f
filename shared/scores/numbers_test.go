package scores_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/scores"
)

// TestNumbers writes columns and reads one of them. An incomplete file is an error.
func TestNumbers(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	written := &scores.Numbers{
		Names:  []string{"a.b", "level", "ä \"x\""},
		Values: [][]float64{{none, 1, none}, {1, 2.5, math.Inf(1)}, {none, none, -4}}, More: true,
	}
	var file bytes.Buffer
	if err := scores.WriteNumbers(&file, written); err != nil {
		t.Fatal(err)
	}
	whole := bytes.NewReader(file.Bytes())
	got, err := scores.ReadNumbers(whole, whole.Size(), "level", "a.b", "moon")
	values := [][]float64{written.Values[0], written.Values[1], nil}
	want := &scores.Numbers{Names: written.Names, Values: values, More: true}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, size := range []int{1, file.Len() / 2, file.Len() - 1} {
		if _, err := scores.ReadNumbers(bytes.NewReader(file.Bytes()[:size]), int64(size), "level"); err == nil {
			t.Errorf("%d bytes of %d are read", size, file.Len())
		}
	}
	var empty bytes.Buffer
	if err := scores.WriteNumbers(&empty, &scores.Numbers{}); err != nil || empty.Len() != 0 {
		t.Errorf("%d bytes without numbers (%v)", empty.Len(), err)
	}
	if got, err := scores.ReadNumbers(bytes.NewReader(nil), 0, "level"); err != nil || len(got.Names) != 0 || got.More {
		t.Errorf("read %+v, %v", got, err)
	}
}
