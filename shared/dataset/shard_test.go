package dataset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
)

// asked returns the field of a conversation with one question and one answer.
func asked(question string) string {
	return fmt.Sprintf(`"conversations": [{"from": "human", "value": %q}, {"from": "gpt", "value": "So."}]`, question)
}

// shardSamples returns samples of every kind that a shard must store.
func shardSamples(tb testing.TB) []Sample {
	tb.Helper()
	samples := readAll(tb, []byte(strings.Join([]string{
		valid,
		`{"id": 7, "image": ["x/1.jpg", "data:;base64,aGk=", {"bytes": "aG8="}], ` +
			asked("<image><image><image> <b>&\u2028</b>") + "}",
		"{\"id\": \"\xff\", " + asked("Why?") + "}",
		"{\"id\": broken",
		`{"id": "b", "image": ["data:;base64,aGk=", "/etc"]}`,
		strings.Repeat(" ", 9) + strings.Repeat("x", 1000),
	}, "\n")), 1<<20, Limits{MaxRecordBytes: 500})
	return samples
}

// wholeBytes makes cmp compare long texts without computing their differences.
var wholeBytes = cmp.Comparer(func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) })

func writeShard(tb testing.TB, samples []Sample) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := WriteShard(&out, samples); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestShardRoundTrip(t *testing.T) {
	t.Parallel()
	for name, samples := range map[string][]Sample{
		"every kind": shardSamples(t),
		"none":       nil,
		"left out":   slices.Delete(shardSamples(t), 1, 3),
		"two left":   {shardSamples(t)[2], shardSamples(t)[5]},
		"larger than a window": readAll(t, []byte(`[{"id": "a", "image": "data:;base64,`+strings.Repeat("aGk1", 1<<20)+`", `+
			asked("<image>")+`}]`), 1<<20, Limits{}),
	} {
		shard := writeShard(t, samples)
		got, err := ReadShard(bytes.NewReader(shard), readID)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(samples, got, wholeBytes); diff != "" {
			t.Errorf("%s: samples after a round trip (-want +got):\n%s", name, diff)
		}
		if !bytes.Equal(shard, writeShard(t, got)) {
			t.Errorf("%s: equal samples give different shards", name)
		}
	}
}

// TestShardKeepsRealData writes shards of the usual size.
func TestShardKeepsRealData(t *testing.T) {
	t.Parallel()
	manifest := pool(t)
	stored := 0
	for samples := range slices.Chunk(readAll(t, manifest, 1<<20, Limits{}), 200) {
		shard := writeShard(t, samples)
		stored += len(shard)
		got, err := ReadShard(bytes.NewReader(shard), readID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(samples, got, wholeBytes); diff != "" {
			t.Errorf("samples after a round trip (-want +got):\n%s", diff)
		}
	}
	// Parsed turns next to the records would double the size.
	if stored > len(manifest)/5 {
		t.Errorf("%d bytes are stored for %d of the manifest", stored, len(manifest))
	}
	t.Logf("%d bytes are stored for %d of the manifest", stored, len(manifest))
}

func TestWriteShardFailsWithItsOutput(t *testing.T) {
	t.Parallel()
	for _, samples := range [][]Sample{nil, shardSamples(t), {{Raw: []byte(strings.Repeat("0123456789", 1<<20))}}} {
		if err := WriteShard(fullDisk{}, samples); !errors.Is(err, errFull) {
			t.Errorf("%d samples to a full disk: %v", len(samples), err)
		}
	}
}

// TestWriteShardRefuses gives WriteShard samples that a shard cannot store.
func TestWriteShardRefuses(t *testing.T) {
	t.Parallel()
	raw := []byte("{}")
	for want, samples := range map[string][]Sample{
		"a.json: element 2 (line 2) does not follow a.json: element 3 (line 3)": {
			{Raw: raw, Place: Place{Manifest: "a.json", Element: 3, Line: 3}},
			{Raw: raw, Place: Place{Manifest: "a.json", Element: 2, Line: 2}},
		},
		"b.json: element 2 (line 1) does not follow a.json: element 1 (line 1)": {
			{Raw: raw, Place: Place{Manifest: "a.json", Element: 1, Line: 1}},
			{Raw: raw, Place: Place{Manifest: "b.json", Element: 2, Line: 1}},
		},
		"sample x to a shard: it has no record and no problem": {{ID: "x"}},
	} {
		if err := WriteShard(io.Discard, samples); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestReadRecordsAndPlaces(t *testing.T) {
	t.Parallel()
	samples := shardSamples(t)
	shard := writeShard(t, samples)
	places, err := ReadPlaces(bytes.NewReader(shard))
	if err != nil || len(places) != len(samples) {
		t.Fatalf("%d places of %d samples, %v", len(places), len(samples), err)
	}
	i := 0
	for record, err := range ReadRecords(bytes.NewReader(shard)) {
		if err != nil {
			t.Fatal(err)
		}
		if want := samples[i]; places[i] != want.Place || record.Place != want.Place || !bytes.Equal(record.Raw, want.Raw) ||
			(record.Fault == nil) != (want.Raw != nil) {
			t.Errorf("record %d: %+v at %v, want %v with %q", i, record, places[i], want.Place, want.Raw)
		}
		i++
	}
	if i != len(samples) {
		t.Errorf("%d records of %d samples", i, len(samples))
	}
	for range ReadRecords(bytes.NewReader(shard)) {
		break // the rest is not read
	}
}

// pack compresses text as one frame.
func pack(tb testing.TB, text string) []byte {
	tb.Helper()
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return packer.EncodeAll([]byte(text), nil)
}

// composed returns a shard with any index and text of records.
func composed(tb testing.TB, index, records string) []byte {
	tb.Helper()
	shard := append(make([]byte, shardHead), pack(tb, index)...)
	if err := putHead(shard); err != nil {
		tb.Fatal(err)
	}
	return append(shard, pack(tb, records)...)
}

func TestReadShardRefuses(t *testing.T) {
	t.Parallel()
	shard := writeShard(t, shardSamples(t))
	for want, data := range map[string][]byte{
		"the object is empty":                    nil,
		"it does not begin like a shard":         []byte(valid),
		"it is cut short":                        shard[:5],
		"magic":                                  append(bytes.Clone(shard), "more"...),
		"it has more records than its index":     composed(t, `{"line_steps": [1], "bytes": [2]}`, "{}{}"),
		"reading record 2 of a shard: it is cut": composed(t, `{"line_steps": [1, 1], "bytes": [2, 2]}`, "{}"),
		"unexpected end of JSON":                 composed(t, `{"line_steps": [1]`, ""),
		"cannot unmarshal":                       composed(t, `[]`, ""),
		"lines of 1 records, the lengths of 2":   composed(t, `{"line_steps": [1], "bytes": [1, 1]}`, "{}"),
		"0 faults instead of 1":                  composed(t, `{"line_steps": [1], "bytes": [0]}`, ""),
		"its index has a negative length":        composed(t, `{"line_steps": [1], "bytes": [-1]}`, ""),
		"an empty fault":                         composed(t, `{"line_steps": [1], "bytes": [0], "faults": [null]}`, ""),
		"reading record 1 of a shard: it is cut": composed(t, `{"line_steps": [1], "bytes": [1000000000000]}`, "{}"),
	} {
		if _, err := ReadShard(bytes.NewReader(data), readID); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// A shard that is incomplete or has a changed bit is an error for every reader of the damaged part.
func TestReadShardFindsDamage(t *testing.T) {
	t.Parallel()
	samples := shardSamples(t)
	lost := []Sample{*Unread(Place{Manifest: "a.json", Element: 1, Line: 1}, Fault{Code: RecordTooLarge})}
	for _, samples := range [][]Sample{samples, lost, nil} {
		shard := writeShard(t, samples)
		whole, err := ReadPlaces(bytes.NewReader(shard))
		if err != nil {
			t.Fatal(err)
		}
		index := shardHead + int(binary.LittleEndian.Uint32(shard[8:]))
		for n := range shard {
			if _, err := ReadShard(bytes.NewReader(shard[:n]), readID); err == nil {
				t.Errorf("a shard cut after %d of %d bytes is read", n, len(shard))
			}
			if _, err := ReadPlaces(bytes.NewReader(shard[:n])); (err == nil) != (n >= index) {
				t.Errorf("places of a shard cut after %d of %d bytes: %v", n, len(shard), err)
			}
			for bit := range 8 {
				damaged := bytes.Clone(shard)
				damaged[n] ^= 1 << bit
				got, err := ReadShard(bytes.NewReader(damaged), readID)
				if err == nil && !cmp.Equal(samples, got) {
					t.Errorf("a shard whose bit %d of byte %d is changed is read as other samples", bit, n)
				}
				places, err := ReadPlaces(bytes.NewReader(damaged))
				if err == nil && !cmp.Equal(whole, places, cmpopts.EquateEmpty()) {
					t.Errorf("a shard whose bit %d of byte %d is changed is read as other places", bit, n)
				}
			}
		}
	}
}

func FuzzReadShard(f *testing.F) {
	f.Add(writeShard(f, shardSamples(f)))
	f.Add(writeShard(f, nil))
	f.Add(composed(f, `{"line_steps": [1, 3], "bytes": [0, 2], "faults": [{"code": "x"}]}`, "{}"))
	f.Add([]byte(valid))
	f.Fuzz(func(t *testing.T, data []byte) {
		samples, err := ReadShard(bytes.NewReader(data), readID)
		if err != nil {
			return
		}
		again, err := ReadShard(bytes.NewReader(writeShard(t, samples)), readID)
		if diff := cmp.Diff(samples, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("after another round trip: %v (-want +got):\n%s", err, diff)
		}
	})
}

// TestShardOfContainer checks that a shard keeps the keys of records, and their positions in the container.
func TestShardOfContainer(t *testing.T) {
	t.Parallel()
	samples := []Sample{
		*NewSample([]byte("{}"), Place{Manifest: "a.tar", Element: 3, Key: "x/3"}),
		*Unread(Place{Manifest: "a.tar", Element: 4, Key: "x/4"}, Fault{Code: RecordTooLarge}),
		*NewSample([]byte("{}"), Place{Manifest: "a.tar", Element: 5}),
	}
	samples[0].Stored = Stored{Extent: Extent{512, 2048}, Values: []Extent{{1536, 9}, {2048, 0}}}
	samples[1].Stored.Extent = Extent{2560, 512}
	got, err := ReadShard(bytes.NewReader(writeShard(t, samples)), NewSample)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(samples, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	for place, want := range map[Place]string{
		samples[0].Place: "sample x/3 of a.tar", {Manifest: "a.parquet", Element: 5}: "row 5 of a.parquet",
	} {
		if place.String() != want || !place.InContainer() {
			t.Errorf("place %q, want %q", place, want)
		}
	}
}

// TestShardIndexJSON compares an index with the output of encoding/json.
func TestShardIndexJSON(t *testing.T) {
	t.Parallel()
	for _, index := range []*shardIndex{
		{Manifest: `a "<b>".json`, Element: 1, Steps: []int64{}, Bytes: []int{}},
		{
			Manifest: "a.tar", Element: 1 << 40, Steps: []int64{1, 0, -2}, Skips: []int64{0, 7, 0}, Bytes: []int{9, 0, 12345},
			Faults: []*Fault{{Code: RecordTooLarge, Detail: "<é>"}}, Keys: []string{"x", "", "y"},
			Stored: [][]int64{{1, 2}, nil, {3, 4}},
		},
	} {
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(index); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), string(index.appendTo(nil))); diff != "" {
			t.Errorf("(-encoding/json +got):\n%s", diff)
		}
	}
}
