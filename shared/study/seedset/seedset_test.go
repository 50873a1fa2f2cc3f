package seedset_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/study/seedset"
)

// made is a sample with only the properties that these tests need.
type made struct {
	source, style string
	scores        []uint16 // in units of 1/1024; nil for a sample that failed
	image, twin   int      // numbers of its image and of its group of duplicates; 0 for none
}

func pool(t *testing.T, capabilities int, samples []made, seed int) *selection.Pool {
	t.Helper()
	var names []string
	for c := range capabilities {
		names = append(names, fmt.Sprintf("c%d", c))
	}
	b := selection.NewBuilder(names...)
	for i, m := range samples {
		h := fnv.New64a()
		h.Write(binary.LittleEndian.AppendUint64([]byte(strconv.Itoa(i)), uint64(seed)))
		s := selection.Sample{Source: m.source, Tie: h.Sum64(), Index: int64(i), Expected: make([]uint16, capabilities)}
		for c := range capabilities {
			rating := int8(selection.Missing)
			if m.scores != nil {
				s.Expected[c], rating = m.scores[c], int8((m.scores[c]+512)/1024)
			}
			s.Ratings = append(s.Ratings, rating)
		}
		if m.style != "" {
			s.Styles = []string{m.style}
		}
		if m.image > 0 {
			s.Images = []string{fmt.Sprint(m.image)}
		}
		s.Twin[0] = byte(m.twin)
		if err := b.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	return b.Pool
}

// skewed returns samples like those of real datasets: one large source and many small ones, and rare high ratings.
func skewed() []made {
	rng := rand.New(rand.NewPCG(1, 1))
	var samples []made
	for i := range 5000 {
		m := made{source: "large", style: "word"}
		switch {
		case i%50 == 0:
			m.source = fmt.Sprintf("small %d", i%500/50)
		case i%10 == 0:
			m.source = "middle"
		}
		if i%7 == 0 {
			m.style = "essay"
		}
		for c := range 4 {
			score := rng.IntN(1024)
			if rng.IntN(100) == 0 && c > 0 {
				score = 3*1024 + rng.IntN(2048)
			}
			m.scores = append(m.scores, uint16(score))
		}
		samples = append(samples, m)
	}
	return samples
}

func TestChoose(t *testing.T) {
	t.Parallel()
	samples := skewed()
	samples[17].scores, samples[50].scores = nil, nil
	const n = 200
	p := pool(t, 4, samples, 1)
	chosen := seedset.Choose(p, n)
	if len(chosen) != n || !slices.IsSorted(chosen) || len(slices.Compact(slices.Clone(chosen))) != n {
		t.Fatalf("%d chosen, want %d in order, none twice: %v", len(chosen), n, chosen)
	}
	high := make([]int, 4)
	all := make([]int, 4)
	bins := map[string]int{}
	for i, m := range samples {
		for c := range m.scores {
			if m.scores[c] >= 3*1024 {
				all[c]++
				if slices.Contains(chosen, i) {
					high[c]++
				}
			}
		}
		if slices.Contains(chosen, i) {
			bins[m.source+"/"+m.style]++
		}
	}
	for c := 1; c < 4; c++ {
		// A random set would have one in 25 of these samples: two of fifty.
		if high[c] < 8 {
			t.Errorf("of %d samples with a high rating for c%d, %d are chosen", all[c], c, high[c])
		}
	}
	if len(bins) != 24 || bins["large/word"] > n/2 || bins["large/word"] < 20 {
		t.Errorf("%d of 24 strata occur: %v", len(bins), bins)
	}
	if slices.Contains(chosen, 17) || slices.Contains(chosen, 50) {
		t.Error("a sample is chosen that could not be rated")
	}
	if diff := cmp.Diff(chosen, seedset.Choose(p, n)); diff != "" {
		t.Errorf("chosen again (-first +second)\n%s", diff)
	}
	other := seedset.Choose(pool(t, 4, samples, 2), n)
	same := 0
	for _, i := range other {
		if slices.Contains(chosen, i) {
			same++
		}
	}
	if same > n*3/4 {
		t.Errorf("%d of %d samples are also chosen with another seed", same, n)
	}
}

// Of each image, and of each group of duplicates, one sample is chosen as long as there are other samples.
func TestChooseAvoidsRepetition(t *testing.T) {
	t.Parallel()
	var samples []made
	for i := range 40 {
		m := made{source: "a", style: "word", scores: []uint16{uint16(i % 5 * 1024)}}
		if i < 20 {
			m.image = i/4 + 1 // four samples an image
		} else {
			m.twin = i/4 + 1
		}
		samples = append(samples, m)
	}
	p := pool(t, 1, samples, 1)
	count := func(n int) map[int]int {
		groups := map[int]int{}
		for _, i := range seedset.Choose(p, n) {
			groups[i/4]++
		}
		return groups
	}
	for n := range 10 {
		if groups := count(n + 1); len(groups) != n+1 {
			t.Errorf("%d are chosen of %d groups: %v", n+1, len(groups), groups)
		}
	}
	for _, n := range []int{11, 39, 40, 100} {
		total := 0
		for _, k := range count(n) {
			total += k
		}
		if total != min(n, 40) {
			t.Errorf("%d are chosen, want %d", total, min(n, 40))
		}
	}
}

func TestChooseFromLittle(t *testing.T) {
	t.Parallel()
	bare := selection.NewBuilder("c0") // only ratings: no expected scores, styles or images
	for i := range 5 {
		if err := bare.Add(selection.Sample{Source: "a", Ratings: []int8{int8(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		pool *selection.Pool
		n    int
		want int
	}{
		"nothing":        {selection.NewBuilder("c0").Pool, 3, 0},
		"none rated":     {pool(t, 1, []made{{source: "a"}, {source: "b"}}, 1), 3, 0},
		"ratings":        {bare.Pool, 3, 3},
		"all":            {bare.Pool, 9, 5},
		"none requested": {bare.Pool, 0, 0},
	} {
		if chosen := seedset.Choose(tt.pool, tt.n); len(chosen) != tt.want {
			t.Errorf("%s: %v, want %d", name, chosen, tt.want)
		}
	}
}
