package forms

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// A readRecord has the data of a record that cutting a range needs.
type readRecord struct {
	Raw        string
	Place      dataset.Place
	HasProblem bool
}

// readRecords reads all ranges of a manifest in random pieces, with the parser, or with a checker and Lend.
func readRecords(t *testing.T, manifest []byte, layout dataset.Layout, rng *rand.Rand, lend bool) []readRecord {
	t.Helper()
	check, err := Reading{}.Checker()
	if err != nil {
		t.Fatal(err)
	}
	parse := dataset.Parser(Parse)
	if lend {
		parse = check.Check
	}
	var records []readRecord
	for _, span := range layout.Ranges {
		body := &pieces{bytes.NewReader(manifest[span.Start:]), rng}
		reader, err := dataset.NewReader(body, layout.Framing, span, "m", dataset.Limits{MaxRecordBytes: 300}, parse)
		if err != nil {
			t.Fatal(err)
		}
		if lend {
			reader.Lend(check.Plain)
		}
		for {
			s, err := reader.Next()
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%q: %v", manifest, err)
			}
			records = append(records, readRecord{string(s.Raw), s.Place, s.Problem != nil})
		}
	}
	return records
}

// pieces reads from another reader in random pieces.
type pieces struct {
	r   io.Reader
	rng *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), 1+p.rng.IntN(400))]) }

// lentManifests returns manifests with plain and other records, in all framings.
func lentManifests() []string {
	plain, number, list := strings.TrimSpace(plainRecords[0]), strings.TrimSpace(plainRecords[1]), plainRecords[3]
	long := `{"conversations": [{"from": "human", "value": "` + strings.Repeat("Why? ", 60) + `"}]}`
	over := strings.ReplaceAll(plain, ", ", ",\r\n  ")
	utf16Text := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune("[" + plain + ", " + list + "]")) {
		utf16Text = binary.LittleEndian.AppendUint16(utf16Text, unit)
	}
	return []string{
		"[" + strings.Join([]string{plain, `{"a": 1}`, over, long, number}, " ,\n") + "]\n",
		strings.Join([]string{plain, list + " , \t", `{"a": 1`, number, long, plain + plain, list}, "\n"),
		strings.Join([]string{plain, number + " ", list + ","}, "\r\n") + "\r\n",
		strings.Join([]string{plain, number, strings.ReplaceAll(list, ", {", ",\r{"), list}, "\r"),
		over + "\n" + number + list + "\n" + over,
		`{"data": [` + plain + "," + over + `], "x": 1}`,
		string(utf16Text),
	}
}

// TestLend reads manifests, many of them with random changes, with a checker and Lend. The records, their places, and
// the records with a problem must be the same as with the parser.
func TestLend(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	changes := []string{"\r", "\n", "\r\n", " ", "\t", ",", "{", "}", "[", "]", `"`, `\`, "{}", "null", "<b>", "\ufeff"}
	same := 0
	for _, text := range lentManifests() {
		for i := range 250 {
			manifest := []byte(text)
			for range min(i, 1+rng.IntN(3)) { // the first is unchanged
				at := rng.IntN(len(manifest))
				end := min(at+rng.IntN(2), len(manifest))
				manifest = bytes.Join([][]byte{manifest[:at], manifest[end:]}, []byte(changes[rng.IntN(len(changes))]))
			}
			layout, err := dataset.Split(bytes.NewReader(manifest), 400)
			if err != nil {
				continue
			}
			same++
			want := readRecords(t, manifest, layout, rng, false)
			if diff := cmp.Diff(want, readRecords(t, manifest, layout, rng, true)); diff != "" {
				t.Fatalf("%q (-parsed +lent):\n%s", manifest, diff)
			}
		}
	}
	if same < 800 {
		t.Errorf("%d manifests were read", same)
	}
}

// TestNumberless checks that Numberless is false for every record with a number.
func TestNumberless(t *testing.T) {
	t.Parallel()
	check, err := Reading{}.Checker()
	if err != nil {
		t.Fatal(err)
	}
	for record, want := range map[string]bool{
		plainRecords[0]: true, plainRecords[1]: false, plainRecords[3]: true,
		strings.Replace(plainRecords[0], `"id"`, `"rating": 3, "id"`, 1): false,
	} {
		if check.Check([]byte(record), dataset.Place{}); check.Numberless != want {
			t.Errorf("%s: known to have no number: %v, want %v", record, check.Numberless, want)
		}
	}
}

// TestLendAcrossBuffers checks that no plain record is read twice because the end of the reader's buffer is in it.
func TestLendAcrossBuffers(t *testing.T) {
	t.Parallel()
	manifest := []byte(strings.Repeat(strings.TrimSpace(plainRecords[0])+"\n", 4000)) // several buffers
	layout, err := dataset.Split(bytes.NewReader(manifest), int64(len(manifest)))
	if err != nil {
		t.Fatal(err)
	}
	check, err := Reading{}.Checker()
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	parse := func(raw []byte, place dataset.Place) *dataset.Sample {
		parsed++
		return check.Check(raw, place)
	}
	reader, err := dataset.NewReader(bytes.NewReader(manifest), layout.Framing, layout.Ranges[0], "m",
		dataset.Limits{MaxRecordBytes: 1 << 20}, parse)
	if err != nil {
		t.Fatal(err)
	}
	reader.Lend(check.Plain)
	for range layout.Records {
		if _, err := reader.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if parsed > 1 { // the range ends before the line end of its last record
		t.Errorf("%d of %d records were read twice", parsed, layout.Records)
	}
}
