package scores_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/scores"
)

func TestLeadersRoundTrip(t *testing.T) {
	t.Parallel()
	large := make([]uint32, 130_000)
	for i := range large {
		large[i] = uint32(i - i%3)
	}
	for name, want := range map[string][]uint32{"some": {0, 1, 0, 1, 4}, "none": {}, "several row groups": large} {
		var file, again bytes.Buffer
		for _, w := range []*bytes.Buffer{&file, &again} {
			if err := scores.WriteLeaders(w, want); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(file.Bytes(), again.Bytes()) {
			t.Errorf("%s: the same clusters give other bytes", name)
		}
		got, err := scores.ReadLeaders(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: read %.20v, error %v", name, got, err)
		}
	}
}

// ReadLeaders refuses files other than files of clusters, and leaders that belong to the cluster of another leader.
func TestReadLeadersRefuses(t *testing.T) {
	t.Parallel()
	of := func(leaders ...uint32) []byte {
		var file bytes.Buffer
		if err := scores.WriteLeaders(&file, leaders); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	whole := of(0, 0)
	for name, data := range map[string][]byte{
		"nothing": {}, "cut short": whole[:len(whole)-9], "scores": write(t, capabilities, small()),
		"a later leader": of(1, 1), "a leader inside another cluster": of(0, 0, 1),
	} {
		if _, err := scores.ReadLeaders(bytes.NewReader(data), int64(len(data))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
