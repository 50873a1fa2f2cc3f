package scores_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/thorough"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := write(t, capabilities, small())
	other := func(rows any, options ...parquet.WriterOption) []byte {
		var b bytes.Buffer
		w := parquet.NewWriter(&b, options...)
		if err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	type row struct {
		ID string `parquet:"id"`
	}
	version := parquet.KeyValueMetadata("harvest.version", "6")
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "reading scores: 0 bytes are not a Parquet file"},
		{"text", []byte("id,rating\na,5\nb,4\n"), "it does not end in PAR1"},
		{"cut short", good[:len(good)-100], "a file cut short"},
		{"head cut off", good[len(good)-200:], "a footer of"},
		{"another's", other(row{}), "not written by Harvest"},
		{
			"a later version", other(row{}, parquet.KeyValueMetadata("harvest.version", "7")),
			`layout version "7": this version of Harvest reads layout version 6`,
		},
		{"not scores", other(row{}, version), "not a file of scores: its metadata lacks harvest.capabilities"},
		{
			"names broken", other(row{}, version, parquet.KeyValueMetadata("harvest.capabilities", "[")),
			"metadata harvest.capabilities: unexpected end",
		},
		{
			"no names", other(row{}, version, parquet.KeyValueMetadata("harvest.capabilities", "[]")),
			"metadata harvest.capabilities: no capabilities",
		},
		{
			"column missing", other(row{}, version, parquet.KeyValueMetadata("harvest.capabilities", `["x"]`)),
			"column 2 is missing; expected range_index",
		},
		{"column of another type", other(struct {
			ID int32 `parquet:"id"`
		}{}, version, parquet.KeyValueMetadata("harvest.capabilities", `["x"]`)),
			"column 1 is id required int32 (INT(32,true)); expected id required binary (STRING)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := scores.Read(bytes.NewReader(tt.file), int64(len(tt.file)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// The test changes one byte of a file at a time. Every reader must return an error or consistent values. It skips most
// bytes to save time.
func TestReadSurvivesDamage(t *testing.T) {
	t.Parallel()
	good := write(t, capabilities, small())
	for i := 0; i < len(good); i += 7 * thorough.Stride(5) {
		bad := bytes.Clone(good)
		bad[i] ^= 0x55
		readAll(t, bad)
	}
}

// readAll reads a file with every reader, and requires consistent values.
func readAll(t *testing.T, file []byte) {
	r, size := bytes.NewReader(file), int64(len(file))
	if table, err := scores.Read(r, size); err == nil {
		for _, record := range table.Records {
			n := len(record.Ratings)
			if n != len(record.Expected) || (record.Status == scores.OK) != (n > 0) {
				t.Fatalf("read an impossible record: %+v", record)
			}
			for _, list := range [][]float32{record.Mass, record.Margin} {
				if list != nil && len(list) != n {
					t.Fatalf("read an impossible record: %+v", record)
				}
			}
		}
	}
	if c, err := scores.ReadColumns(r, size, scores.ColumnRequest{}); err == nil {
		for i := range c.Status {
			_ = c.SourceNames[c.Source[i]]
			for _, style := range c.Style[c.StyleStart[i]:c.StyleStart[i+1]] {
				_ = c.StyleNames[style]
			}
		}
	}
	if ids, err := scores.ReadIDs(r, size); (err == nil) != (ids != nil) {
		t.Fatalf("read %d ids and error %v", len(ids), err)
	}
	if picks, err := scores.ReadPicks(r, size); (err == nil) != (picks != nil) {
		t.Fatalf("read %d picks and error %v", len(picks), err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(write(f, capabilities, small()))
	f.Add(write(f, []string{"x"}, many(100, 1)))
	f.Add(write(f, []string{"x"}, nil))
	var picks bytes.Buffer
	if err := writePicks(&picks, samplePicks()); err != nil {
		f.Fatal(err)
	}
	f.Add(picks.Bytes())
	f.Fuzz(readAll)
}
