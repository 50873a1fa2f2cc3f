package selection

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuilderAdd(t *testing.T) {
	t.Parallel()
	b := NewBuilder("scene understanding", "data understanding")
	for _, s := range []Sample{
		{
			Ratings: []int8{1, Missing}, Expected: []uint16{900, 0},
			Tie: 7, Index: 3, Source: "x", Styles: []string{"b", "a", "b"},
		},
		{Ratings: []int8{2, 5}, Expected: []uint16{2048, 5120}, Tie: 6, Index: 1, Source: "y"},
		{Ratings: []int8{0, 4}, Expected: []uint16{0, 4000}, Tie: 5, Index: 2, Source: "x", Styles: []string{"a"}},
	} {
		if err := b.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	want := &Pool{
		Capabilities: []string{"scene understanding", "data understanding"},
		Ratings:      [][]int8{{1, 2, 0}, {Missing, 5, 4}},
		Expected:     [][]uint16{{900, 2048, 0}, {0, 5120, 4000}},
		Tie:          []uint64{7, 6, 5},
		Index:        []int64{3, 1, 2},
		Source:       []uint32{0, 1, 0},
		SourceNames:  []string{"x", "y"},
		Style:        []uint32{0, 1, 1},
		StyleStart:   []uint32{0, 2, 2, 3},
		StyleNames:   []string{"b", "a"},
	}
	if diff := cmp.Diff(want, b.Pool); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if err := b.Pool.Validate(); err != nil {
		t.Error(err)
	}

	for _, s := range []Sample{
		{Ratings: []int8{1}, Expected: []uint16{1, 2}},
		{Ratings: []int8{1, 2}, Expected: []uint16{1}},
		{Ratings: []int8{1, 2}},
	} {
		if err := b.Add(s); err == nil {
			t.Errorf("Add(%+v) succeeded", s)
		}
	}
	if diff := cmp.Diff(want, b.Pool); diff != "" {
		t.Errorf("a refused sample changed the pool (-want +got):\n%s", diff)
	}
}

// TestBuilderAddLate adds columns with the first sample that needs them.
func TestBuilderAddLate(t *testing.T) {
	t.Parallel()
	pool := poolOf(t, nil,
		Sample{},
		Sample{Tokens: 7, Twin: [16]byte{1}, Images: []string{"p", "q", "p"}},
		Sample{Images: []string{"q"}},
	)
	want := &Pool{
		Tokens: []uint32{0, 7, 0}, Twin: [][16]byte{{}, {1}, {}},
		Image: []uint32{0, 1, 1}, ImageStart: []uint32{0, 0, 2, 3},
	}
	got := &Pool{Tokens: pool.Tokens, Twin: pool.Twin, Image: pool.Image, ImageStart: pool.ImageStart}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if err := pool.Validate(); err != nil {
		t.Error(err)
	}
}

// TestBuilderColumns builds a pool column by column, and compares it with the pool that Add builds sample by sample.
func TestBuilderColumns(t *testing.T) {
	t.Parallel()
	want := poolOf(t, []string{"a"},
		Sample{Ratings: []int8{1}, Source: "x", Styles: []string{"b", "a"}, Tokens: 5, Images: []string{"p", "q"}},
		Sample{Ratings: []int8{2}, Source: "y", Tokens: 6},
		Sample{Ratings: []int8{3}, Source: "x", Styles: []string{"a", "c"}, Tokens: 7, Images: []string{"q", "r"}},
	)
	b := NewBuilder("a")
	styles := b.Styles([]string{"b", "a", "b"})
	if diff := cmp.Diff([]uint32{0, 1}, styles); diff != "" {
		t.Errorf("styles (-want +got):\n%s", diff)
	}
	b.AppendStyles(styles)
	b.AppendStyles(nil)
	b.AppendStyles(b.Styles([]string{"a", "c"}))
	for i, source := range []string{"x", "y", "x"} {
		b.Pool.Source = append(b.Pool.Source, b.Source(source))
		b.Pool.Tie, b.Pool.Index = append(b.Pool.Tie, 0), append(b.Pool.Index, 0)
		b.Pool.Tokens = append(b.Pool.Tokens, uint32(5+i))
	}
	b.Pool.Ratings[0] = []int8{1, 2, 3}
	for _, images := range [][]string{{"p", "q", "p"}, nil, {"q", "r"}} {
		b.AppendImages(images)
	}
	if diff := cmp.Diff(want, b.Pool); diff != "" {
		t.Errorf("columns (-Add +by column):\n%s", diff)
	}
}

// TestHashes checks that the hashes of ties and twins do not change, because selections from stored scores depend on
// them.
func TestHashes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		content string
		seed    uint64
		want    uint64
	}{{"00ff", 0, 0x6d7d56fa41595760}, {"00ff", 7, 0x4658c8398de45e47}, {"no digits", 7, 0x1f941b0331f8b77f}} {
		if got := TieHash(tt.content, tt.seed); got != tt.want {
			t.Errorf("TieHash(%q, %d) = %#x, want %#x", tt.content, tt.seed, got, tt.want)
		}
	}
	// These are the first bytes of the SHA-256 of "abc" (FIPS 180-4).
	want := [16]byte{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23}
	if got := TwinHash("abc"); got != want {
		t.Errorf("TwinHash(abc) = %x, want %x", got, want)
	}
}
