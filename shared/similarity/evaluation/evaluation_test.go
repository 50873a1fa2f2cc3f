package evaluation_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/similarity"
	"github.com/harvest-ml/harvest/shared/similarity/evaluation"
	"github.com/parquet-go/parquet-go"
)

// picture returns a PNG of a kind of picture.
func picture(t *testing.T, kind int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			img.SetGray(x, y, color.Gray{uint8((x*x*(kind+1) + y*37*kind) % 256)})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var (
	records = dataset.Limits{MaxRecordBytes: 1 << 20}
	limits  = images.Limits{
		MaxBytes: 1 << 20, MaxPixels: 1 << 20, MaxDecodedBytes: 1 << 24, MaxImages: 4, MaxSampleBytes: 1 << 22,
	}
)

// A parquetItem is a row as in MathVista.
type parquetItem struct {
	PID      string `parquet:"pid"`
	Question string `parquet:"question"`
	Picture  struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path"`
	} `parquet:"decoded_image"`
}

// TestRead reads each kind of file.
func TestRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first, second := picture(t, 1), picture(t, 2)
	code := base64.StdEncoding.EncodeToString(first)
	write("e/pics/1.png", first)
	write("e/pics/2.png", second)
	write("e/pics/notes.txt", []byte("no image"))
	write("e/q.jsonl", []byte(`{"question_id": 7, "image": "pics/1.png", "text": "What is it?"}`+"\n"+
		`{"question_id": 8, "image": "pics/none.png", "text": "And this?"}`+"\n"))
	write("e/llava.json", []byte(`[{"id": "a", "image": "pics/2.png", "conversations": `+
		`[{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A picture"}]}]`))
	write("e/m.tsv", []byte("index\timage\tquestion\tA\tB\n0\t"+code+"\tWhat is it?\tred\tgreen\n1\t0\tHow many?\t1\t2\n"+
		"2\t['"+code+"', '"+base64.StdEncoding.EncodeToString(second)+"']\tBoth?\tyes\tno\n"))
	rows := []parquetItem{{PID: "p1", Question: "What is it?"}}
	rows[0].Picture.Bytes = second
	var table bytes.Buffer
	if err := parquet.Write(&table, rows); err != nil {
		t.Fatal(err)
	}
	write("e/p.parquet", table.Bytes())
	in, err := bucket.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	one, two := images.HashOf(first).Short(), images.HashOf(second).Short()
	for name, want := range map[string][]string{
		"e/q.jsonl":    {"q.jsonl#7 [" + one + "] what is it", "q.jsonl#8 [] and this", "unread 1"},
		"e/llava.json": {"llava.json#a [" + two + "] what is it"},
		"e/m.tsv": {
			"m.tsv#0 [" + one + "] what is it", "m.tsv#1 [" + one + "] how many",
			"m.tsv#2 [" + one + " " + two + "] both",
		},
		"e/p.parquet": {"p.parquet#p1 [" + two + "] what is it"},
		"e/pics/":     {"pics#1.png [" + one + "] ", "pics#2.png [" + two + "] "},
	} {
		object, err := (evaluation.Source{Input: in}).Identify(t.Context(), name)
		if err != nil || object.Size == 0 || object.Checksum == "" {
			t.Errorf("%s is %+v: %v", name, object, err)
		}
		set, err := evaluation.Source{Input: in, Memory: memorytest.Budget(t)}.Read(t.Context(), object, records, limits)
		if err != nil {
			t.Errorf("reading %s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, described(set)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// described returns the items of a set as text. If an item has one of the known questions, its text has the question.
func described(set *evaluation.Result) (lines []string) {
	for _, item := range set.Items {
		question := ""
		for _, known := range []string{"what is it", "and this", "how many", "both"} {
			if len(item.Questions) == 1 && item.Questions[0] == similarity.HashOf(known) {
				question = known
			}
		}
		lines = append(lines, fmt.Sprint(item.Name, " ", item.Hashes, " ", question))
		if len(item.Images) != len(item.Hashes) {
			lines = append(lines, "signatures are missing")
		}
	}
	if set.Unread > 0 {
		lines = append(lines, fmt.Sprint("unread ", set.Unread))
	}
	return lines
}

// TestRefused checks that the error of an invalid file names the fault.
func TestRefused(t *testing.T) {
	t.Parallel()
	view, err := bucket.NewView(map[string]bucket.Content{
		"empty.tsv": bucket.Literal(nil), "packed.json": bucket.Literal([]byte("\x1f\x8b\x08\x00aaaaaaaaaa")),
		"other.jsonl": bucket.Literal([]byte(`{"a": 1}` + "\n")), "broken.json": bucket.Literal([]byte(`[{"a": `)),
		"cut.jsonl":  bucket.Literal([]byte(`{"id": "1", "question": "What is it?"}` + "\n" + `{"id": "2", "quest`)),
		"cut.tsv":    bucket.Literal([]byte("index\tquestion\tA\n1\tWhat?\ta\n2\tWhe")),
		"gone.jsonl": bucket.Literal([]byte(`{"id": "1", "image": "gone.png", "question": "What is it?"}` + "\n")),
	})
	if err != nil {
		t.Fatal(err)
	}
	source := evaluation.Source{Input: view, Memory: memorytest.Budget(t)}
	for name, want := range map[string]string{
		"empty.tsv": "its first line must have the names of its columns", "packed.json": "unpack it",
		"cut.jsonl": "the record is cut short", "cut.tsv": "line 3, the last row, has 2 of the header's 3 columns",
		"other.jsonl": "a field such as question",
		"broken.json": "broken.json", "gone.jsonl": `none of its images (1) could be found and read, such as "gone.png"`,
	} {
		object, err := source.Identify(t.Context(), name)
		if err != nil {
			t.Error(err)
		}
		_, err = source.Read(t.Context(), object, records, limits)
		if _, fault := errors.AsType[*evaluation.FaultError](err); !fault || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want a FaultError with %q", name, err, want)
		}
	}
	for _, name := range []string{"none.json", "none/", "../x.json", "a\nb"} {
		_, err := source.Identify(t.Context(), name)
		if _, fault := errors.AsType[*evaluation.FaultError](err); !fault || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want a FaultError with the name", name, err)
		}
	}
}

// away is a bucket that cannot be reached.
type away struct{ bucket.Reader }

var errAway = errors.New("503 Service Unavailable")

func (away) Open(context.Context, string, int64, int64, int64) (io.ReadCloser, error) {
	return nil, errAway
}

// TestTransient reads a set from a bucket that fails, and a file that was replaced. Neither error is a FaultError.
func TestTransient(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in, err := bucket.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	write := func(question string) {
		t.Helper()
		record := []byte(`{"id": "1", "question": "` + question + `"}` + "\n")
		if err := os.WriteFile(filepath.Join(folder, "q.jsonl"), record, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("What is it?")
	source := evaluation.Source{Input: in, Memory: memorytest.Budget(t)}
	object, err := source.Identify(t.Context(), "q.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	read := func(source evaluation.Source) error {
		_, err := source.Read(t.Context(), object, records, limits)
		if _, fault := errors.AsType[*evaluation.FaultError](err); fault {
			t.Errorf("error %v, want an error that is not a FaultError", err)
		}
		return err
	}
	if err := read(evaluation.Source{Input: away{in}, Memory: source.Memory}); !errors.Is(err, errAway) {
		t.Errorf("error %v, want the bucket's error", err)
	}
	if err := read(source); err != nil {
		t.Error(err)
	}
	write("And this, which is another question?")
	if err := os.Chtimes(filepath.Join(folder, "q.jsonl"), time.Time{}, time.Unix(1_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	if err := read(source); err == nil {
		t.Error("a file was read although it was replaced after Identify")
	}
}

// TestRoot reads a set and its images in the root of the bucket. Image names cannot lead out of the bucket.
func TestRoot(t *testing.T) {
	t.Parallel()
	view, err := bucket.NewView(map[string]bucket.Content{
		"q.jsonl": bucket.Literal([]byte(`{"id": "1", "image": "a.png", "text": "What is it?"}` + "\n" +
			`{"id": "2", "image": {"embedded": 0, "path": "b.png"}, "text": "What is it?"}` + "\n" +
			`{"id": "3", "image": "../a.png", "text": "What is it?"}` + "\n")),
		"a.png": bucket.Literal(picture(t, 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	source := evaluation.Source{Input: view, Memory: memorytest.Budget(t)}
	object, err := source.Identify(t.Context(), "q.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	set, err := source.Read(t.Context(), object, records, limits)
	if err != nil || set.Images != 1 || set.Unread != 2 {
		t.Errorf("%+v, error %v", set, err)
	}
}
