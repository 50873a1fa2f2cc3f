package reference

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/selection"
)

const (
	bothRated  = line + `{"idx": 1, "pred_response": "2"}`
	bothStyled = `{"idx": 0, "pred_response": "a,b"}` + "\n" + `{"idx": 1, "pred_response": "b"}`
)

// foundIn are score files of two samples, and the findings of Load.
var foundIn = map[string]struct {
	ocr, style string
	ratings    []int8
	styles     int // number of styles of both samples
	want       []Finding
}{
	"nothing": {bothRated, bothStyled, []int8{4, 2}, 3, nil},
	"answers that talk": {
		`{"idx": 0, "pred_response": "Score: 4"}` + "\n" + `{"idx": 1, "pred_response": "4."}`, bothStyled,
		[]int8{missing, missing}, 3,
		[]Finding{{Capability: "ocr", Kind: NotANumber, Count: 2, Line: 1, Idx: "0", Answer: `"Score: 4"`}},
	},
	"a long answer": {
		line + `{"idx": 1, "pred_response": "` + strings.Repeat("é\\u001b", 900) + `"}`, bothStyled, []int8{4, missing}, 3,
		[]Finding{{Capability: "ocr", Kind: NotANumber, Count: 1, Line: 2, Idx: "1",
			Answer: `"` + strings.Repeat(`é\x1b`, maxQuoted/2) + `"…`}},
	},
	"answers of other types": {
		`{"idx": 1, "pred_response": [4]}` + "\n" + `{"idx": 0, "pred_response": null}`, bothStyled,
		[]int8{missing, missing}, 3,
		[]Finding{{Capability: "ocr", Kind: NotANumber, Count: 2, Line: 1, Idx: "1", Answer: `"[4]"`}},
	},
	"a line without an answer": {
		line + `{"idx": 1}`, bothStyled, []int8{4, missing}, 3,
		[]Finding{{Capability: "ocr", Kind: NotANumber, Count: 1, Line: 2, Idx: "1", Answer: "no pred_response"}},
	},
	"ratings outside the scale": {
		`{"idx": 0, "pred_response": "7"}` + "\n" + `{"idx": 1, "pred_response": -1}`, bothStyled, []int8{7, -1}, 3,
		[]Finding{{Capability: "ocr", Kind: OutsideScale, Count: 2, Line: 1, Idx: "0", Answer: `"7"`}},
	},
	"missing lines": {
		line, `{"idx": 1, "pred_response": "a"}`, []int8{4, missing}, 1,
		[]Finding{
			{Capability: "ocr", Kind: NoLine, Count: 1, Idx: "1"},
			{Kind: NoLine, Count: 1, Idx: "0"},
		},
	},
	"empty files": {
		"", byteOrderMark + "\n \n", []int8{missing, missing}, 0,
		[]Finding{
			{Capability: "ocr", Kind: EmptyFile, Count: 1},
			{Kind: ByteOrderMark, Count: 1, Line: 1},
			{Kind: EmptyFile, Count: 1},
		},
	},
	"lines twice": {
		line + line + "\n" + bothRated, bothStyled + "\n" + `{"idx": 0, "pred_response": " a ,b"}`, []int8{4, 2}, 3,
		[]Finding{
			{Capability: "ocr", Kind: RepeatedLine, Count: 2, Line: 2, Idx: "0", Answer: `"4"`},
			{Kind: RepeatedLine, Count: 1, Line: 3, Idx: "0", Answer: `" a ,b"`},
		},
	},
	"an answer that is not a number twice": {
		strings.Repeat(`{"idx": 0, "pred_response": "n/a"}`+"\n", 2) + `{"idx": 1, "pred_response": "2"}`, bothStyled,
		[]int8{missing, 2}, 3,
		[]Finding{
			{Capability: "ocr", Kind: NotANumber, Count: 1, Line: 1, Idx: "0", Answer: `"n/a"`},
			{Capability: "ocr", Kind: RepeatedLine, Count: 1, Line: 2, Idx: "0", Answer: `"n/a"`},
		},
	},
	"byte-order marks": {
		byteOrderMark + line + byteOrderMark + byteOrderMark + `{"idx": 1, "pred_response": 2}`, byteOrderMark + bothStyled,
		[]int8{4, 2}, 3,
		[]Finding{
			{Capability: "ocr", Kind: ByteOrderMark, Count: 2, Line: 1},
			{Kind: ByteOrderMark, Count: 1, Line: 1},
		},
	},
	"no styles": {
		bothRated, `{"idx": 0, "pred_response": null}` + "\n" + `{"idx": 1, "pred_response": 3}`, []int8{4, 2}, 0,
		[]Finding{{Kind: NoStyle, Count: 2, Line: 1, Idx: "0", Answer: "null"}},
	},
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for name, tt := range foundIn {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := files(t, map[string]string{"manifest.json": items, "ocr.jsonl": tt.ocr, "style.jsonl": tt.style})
			data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			defer data.Close()
			if diff := cmp.Diff([][]int8{tt.ratings}, data.Pool.Ratings); diff != "" {
				t.Errorf("ratings (-want +got):\n%s", diff)
			}
			if len(data.Pool.Style) != tt.styles {
				t.Errorf("%d styles, want %d", len(data.Pool.Style), tt.styles)
			}
			for i := range tt.want {
				tt.want[i].File = scorePath(folder, "ocr")
				if tt.want[i].Capability == "" {
					tt.want[i].File = scorePath(folder, styleFile)
				}
			}
			if diff := cmp.Diff(tt.want, data.Findings, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, found := range data.Findings {
				if strings.Contains(found.Kind.Meaning(2), string(found.Kind)) {
					t.Errorf("kind %s has no meaning", found.Kind)
				}
			}
		})
	}
}

// TestTextIdx reads idx that are texts, like the reference. Among equal ratings, the lower text comes first.
func TestTextIdx(t *testing.T) {
	t.Parallel()
	var styles, ratings strings.Builder
	for _, id := range []string{`"é"`, `"b"`, `"9"`, `"10"`, `""`} {
		ratings.WriteString(`{"idx": ` + id + `, "pred_response": "4"}` + "\n")
		styles.WriteString(`{"idx": ` + id + `, "pred_response": "a"}` + "\n")
	}
	folder := files(t, map[string]string{
		"manifest.json": `[{"idx": "b", "image_source": "web"}, {"idx": "\u00e9", "image_source": "web"},
			{"idx": "", "image_source": "web"}, {"idx": "9", "image_source": "web"}, {"idx": "10", "image_source": "web"}]`,
		"ocr.jsonl": ratings.String(), "style.jsonl": styles.String(),
	})
	data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if len(data.Findings) > 0 {
		t.Errorf("findings %+v", data.Findings)
	}
	result, err := selection.Select(data.Pool, selection.Params{Budget: 5, Rules: selection.Rules{RatingsOnly: true}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{2, 4, 3, 0, 1}, result.Samples()); diff != "" {
		t.Errorf("picks (-want +got):\n%s", diff)
	}
}

// TestUnreadFiles checks that files that look like scores and are not read are reported, unless the capabilities are
// named.
func TestUnreadFiles(t *testing.T) {
	t.Parallel()
	folder := files(t, map[string]string{
		"manifest.json": items, "ocr.jsonl": bothRated, "style.jsonl": bothStyled, "zebra.jsonl": bothRated,
		"stem.json": bothRated, "style.jsonl.gz": "", "zebra.csv": "", "README.txt": "",
	})
	for _, named := range [][]string{nil, {"ocr"}} {
		data, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"), named...)
		if err != nil {
			t.Fatal(err)
		}
		defer data.Close()
		var names []string
		for _, f := range data.Findings {
			if f.Kind == UnreadFile {
				names = append(names, filepath.Base(f.File))
			}
		}
		want := []string{"stem.json", "style.jsonl.gz", "zebra.csv"}
		if named != nil {
			want = nil
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("capabilities %q (-want +got):\n%s", named, diff)
		}
	}
}

// TestMisnamedFiles checks that the error of a folder without styles or capabilities names the misnamed files and the
// right names.
func TestMisnamedFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Style.jsonl":    "Style.jsonl exists, but is not read: rename it to style.jsonl",
		"style.json":     "style.json exists, but is not read: write its objects, one object a line, to style.jsonl",
		"style.jsonl.gz": "style.jsonl.gz exists, but is not read: unpack it to style.jsonl",
		"style.JSONL":    "style.JSONL exists, but is not read: rename it to style.jsonl",
		"styles.jsonl":   "styles.jsonl exists, but is not read: rename it to style.jsonl",
		"style.jsonl~":   "style.jsonl~ exists, but is not read: rename it to style.jsonl",

		"style (1).jsonl": "style (1).jsonl exists, but is not read: rename it to style.jsonl",
	} {
		folder := files(t, map[string]string{"manifest.json": items, "ocr.jsonl": bothRated, name: bothStyled})
		_, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
		if err == nil || !strings.Contains(err.Error(), "no style.jsonl") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	folder := files(t, map[string]string{"manifest.json": items, "OCR.json": bothRated})
	_, err := Load(t.Context(), folder, filepath.Join(folder, "manifest.json"))
	const want = "OCR.json exists, but is not read: write its objects, one object a line, to ocr.jsonl"
	if err == nil || !strings.Contains(err.Error(), "none in") || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	_, err = Load(t.Context(), filepath.Join(folder, "OCR.json"), filepath.Join(folder, "manifest.json"))
	if err == nil || !strings.Contains(err.Error(), "is a file: give its folder") {
		t.Errorf("of a file: error %v", err)
	}
}
