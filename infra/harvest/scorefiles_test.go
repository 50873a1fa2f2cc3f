package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/reference"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/thorough"
)

const scoredSamples = 6

// answers returns the lines of a score file: one answer, given as JSON, for each sample.
func answers(each ...string) string {
	var text strings.Builder
	for i := range scoredSamples {
		fmt.Fprintf(&text, "{\"idx\": %d, \"pred_response\": %s}\n", i, each[i%len(each)])
	}
	return text.String()
}

// writeScores writes a Parquet file of scores on one capability.
func writeScores(t *testing.T, path string, records []scores.Record) {
	t.Helper()
	var file bytes.Buffer
	if err := scores.Write(&file, []string{"humanities"}, records); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, file.String())
}

// scoreFolder writes a manifest and a folder of score files.
func scoreFolder(t *testing.T, ocr, stem, style string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	items := make([]string, scoredSamples)
	for i := range items {
		items[i] = fmt.Sprintf(`{"idx": %d, "image_source": "web"}`, i)
	}
	writeFile(t, filepath.Join(dir, "manifest.json"), "["+strings.Join(items, ",")+"]")
	for name, text := range map[string]string{"ocr": ocr, "stem": stem, "style": style} {
		writeFile(t, filepath.Join(dir, "scores", name+".jsonl"), text)
	}
	return dir
}

var selectFolder = []string{
	"select", "--scores", "scores", "--manifest", "manifest.json", "--budget", "0.5", "--out", "subset.json",
}

// TestScoreFileWarnings checks that each kind of finding is printed, also with --quiet, and is in the result.
func TestScoreFileWarnings(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	good, styles := answers(`"4"`, `"3"`), answers(`"yes/no"`, `"comparison"`)
	first, rest, _ := strings.Cut(good, "\n")
	tests := map[reference.Kind]struct {
		ocr, style string
		says       []string
	}{
		reference.NotANumber: {answers(`"4"`, `"n/a"`, `"5/5"`), styles,
			[]string{"warning: 4 answers without a number: ",
				`  4 in scores/ocr.jsonl, the first: line 2, idx 1, answer "n/a"`}},
		reference.OutsideScale: {answers(`"4"`, `"10"`), styles,
			[]string{"warning: 3 ratings outside 0 to 5",
				`  3 in scores/ocr.jsonl, the first: line 2, idx 1, answer "10"`}},
		reference.NoLine: {rest, styles,
			[]string{"warning: 1 missing line: ", "  1 in scores/ocr.jsonl, the first: idx 0\n"}},
		reference.EmptyFile: {"", styles, []string{"warning: 1 file without an answer: ", "  scores/ocr.jsonl\n"}},
		reference.RepeatedLine: {first + "\n" + good, styles,
			[]string{"warning: 1 line with the answer of an earlier line",
				`  1 in scores/ocr.jsonl, the first: line 2, idx 0, answer "4"`}},
		reference.ByteOrderMark: {"\ufeff" + good, styles,
			[]string{"warning: 1 byte-order mark, skipped\n", "  1 in scores/ocr.jsonl, the first: line 1\n"}},
		reference.NoStyle: {good, answers(`"yes/no"`, "null"),
			[]string{"warning: 3 answers without a style",
				"  3 in scores/style.jsonl, the first: line 2, idx 1, answer null"}},
		reference.UnknownStyle: {good, answers(`"yes/no"`, `"YES/NO"`),
			[]string{"warning: 3 answers with a style that is not in the rubric",
				`  3 in scores/style.jsonl, the first: line 2, idx 1, answer "YES/NO"`}},
	}
	for kind, tt := range tests {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			dir := scoreFolder(t, tt.ocr, good, tt.style)
			a := mustHarvest(t, dir, append(selectFolder, "--json", "--quiet")...)
			for _, words := range tt.says {
				if !strings.Contains(a.stderr, words) {
					t.Errorf("warns %q, which lacks %q", a.stderr, words)
				}
			}
			var res fileResult
			decode(t, a.stdout, &res)
			if len(res.Warnings) != 1 || res.Warnings[0].Kind != kind || res.Selected != 3 {
				t.Errorf("%d selected, want 3; warnings %+v, want one of %s", res.Selected, res.Warnings, kind)
			}
			// Without --json, the warning is the same.
			if table := mustHarvest(t, dir, selectFolder...); table.stderr != a.stderr {
				t.Errorf("without --json the warning is %q, with --json %q", table.stderr, a.stderr)
			}
		})
	}
	clean := mustHarvest(t, scoreFolder(t, good, good, styles), append(selectFolder, "--json")...)
	if clean.stderr != "" || strings.Contains(clean.stdout, "warnings") {
		t.Errorf("an unexpected warning: %s%s", clean.stderr, clean.stdout)
	}
}

// TestScoreFileNames checks that the command warns of files whose names are not capabilities of the rubric, and gives
// the most similar names.
func TestScoreFileNames(t *testing.T) {
	t.Parallel()
	good := answers(`"4"`, `"3"`)
	dir := scoreFolder(t, good, good, answers(`"yes/no"`, `"comparison"`))
	for _, name := range []string{"spatial", "attribut", "logical", "scene", "finegrained", "language", "data"} {
		writeFile(t, filepath.Join(dir, "scores", name+".jsonl"), good)
	}
	a := mustHarvest(t, dir, append(selectFolder, "--json", "--quiet")...)
	const unknown = "warning: 1 file without a capability of the rubric as its name, read as a further " +
		"capability\n  scores/attribut.jsonl; did you mean \"attribute\"?\n"
	const missing = "warning: 6 missing files of a capability of the rubric: no sample has this rating\n" +
		"  scores/attribute.jsonl\n  scores/incontext.jsonl\n"
	if !strings.Contains(a.stderr, unknown) || !strings.Contains(a.stderr, missing) {
		t.Errorf("warns %q, want %q and %q", a.stderr, unknown, missing)
	}
	var res fileResult
	decode(t, a.stdout, &res)
	if len(res.Warnings) != 7 || res.Warnings[0].Nearest != "attribute" {
		t.Errorf("warnings %+v", res.Warnings)
	}
	writeFile(t, filepath.Join(dir, "scores", "stem knowledge.jsonl"), good)
	says(t, harvest(t, dir, nil, selectFolder...).stderr,
		`"stem knowledge.jsonl" and "stem.jsonl" in scores give the same capability`)
}

// TestWarningsGrouped checks that warnings are grouped by kind, and that the number of listed files is limited.
func TestWarningsGrouped(t *testing.T) {
	t.Parallel()
	var findings []reference.Finding
	for i := range maxFindings + 2 {
		name := fmt.Sprintf("c%02d.jsonl", i)
		findings = append(findings, reference.Finding{File: name, Kind: reference.NoLine, Count: 2, Idx: "3"},
			reference.Finding{File: name, Kind: reference.EmptyFile, Count: 1})
	}
	var b bytes.Buffer
	if err := printFindings(&b, findings); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 2*(maxFindings+2)+1 || lines[1] != "  2 in c00.jsonl, the first: idx 3" ||
		lines[maxFindings+1] != "  and 2 more files; --json lists all" ||
		!strings.HasPrefix(lines[maxFindings+2], "harvest: warning: 22 files without an answer") {
		t.Errorf("printed %s", b.String())
	}
}

// unusable are score files from which nothing can be selected, with the arguments of the command and parts of the
// error.
var unusable = map[string]struct {
	ocr, stem, style string
	args             []string
	says             string
	selects          []string
}{
	"no answer is a number": {answers(`"4."`), answers(`"n/a"`), answers(`"a"`), nil,
		`no answer is a number (scores/stem.jsonl, line 1: "n/a"): write whole numbers`, nil},
	"no answers": {"", "\n", answers(`"a"`), nil, "hold no answer: score the samples", nil},
	"no answer of the capability": {answers(`"4."`), answers(`"3"`), answers(`"a"`), []string{"--capabilities", "ocr"},
		`no sample has a rating for ocr; --capabilities: give "stem"`, []string{"--capabilities", "stem"}},
	"every rating is 0": {answers(`"0"`), answers(`0`), answers(`"a"`), nil,
		"--threshold: every rating is 0, but a rating must exceed the threshold, which is 0; give -1",
		[]string{"--threshold", "-1"}},
	"ratings at the threshold": {answers(`"0"`, `"2"`), answers(`1`), answers(`"a"`), []string{"--threshold", "3"},
		"the highest rating of a sample with a style is 2, but a rating must exceed the threshold, which is 3; " +
			"give 1", []string{"--threshold", "1"}},
	"ratings at a threshold of their own": {answers(`"2"`), answers(`1`), answers(`"a"`),
		[]string{"--threshold", "1", "--thresholds", "ocr=2"},
		`which is 2; give "ocr=1"`, []string{"--thresholds", "ocr=1"}},
	"ratings below 0": {answers(`"-3"`), answers(`-3`), answers(`"a"`), nil,
		`--thresholds: every rating is -3, but a rating must exceed the threshold, which is 0; give "stem=-4"`,
		[]string{"--thresholds", "stem=-4"}},
	"no styles":      {answers(`"4"`), answers(`"4"`), answers("null"), nil, `"no known style: `, nil},
	"no style lines": {answers(`"4"`), answers(`"4"`), "", nil, "write the styler's answers to style.jsonl", nil},
	"ratings without styles": {answers(`"4"`, `"n/a"`), answers(`"n/a"`), answers("null", `"a"`), nil,
		"(3 of 6 samples, such as item 1 of manifest.json)", nil},
	"filtered out": {answers(`"4"`), answers(`"4"`), answers(`"a"`), []string{"--drop-styles", "a"},
		"--keep-styles: keep more styles, or drop fewer", nil},
	"a baseline": {answers(`"4"`), answers(`"4"`), answers(`"a"`), []string{"--strategy", "top", "--drop-styles", "a"},
		"--keep-styles: keep more styles, or drop fewer", nil},
}

// TestScoreFilesUnusable checks that the exit status is 1, with advice, if nothing can be selected.
func TestScoreFilesUnusable(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	for name, tt := range unusable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := scoreFolder(t, tt.ocr, tt.stem, tt.style)
			a := harvest(t, dir, nil, slices.Concat(selectFolder, []string{"--quiet"}, tt.args)...)
			if a.status != 1 || !strings.Contains(a.stderr, tt.says) || a.stdout != "" {
				t.Errorf("status %d: %s, want 1 and %q; printed %q", a.status, a.stderr, tt.says, a.stdout)
			}
			a = harvest(t, dir, nil, slices.Concat(selectFolder, []string{"--json"}, tt.args)...)
			var res fileResult
			decode(t, a.stdout, &res)
			if a.status != 1 || res.Selected != 0 || !strings.Contains(res.Problem, tt.says) ||
				res.Samples.In != scoredSamples ||
				res.Outputs != (fileOutputs{}) {
				t.Errorf("status %d, result %+v", a.status, res)
			}
			if _, err := os.Stat(filepath.Join(dir, "subset.json")); err == nil {
				t.Error("a subset is written")
			}
			if tt.selects != nil {
				decode(t, mustHarvest(t, dir, slices.Concat(selectFolder, []string{"--json"}, tt.selects)...).stdout, &res)
				if res.Selected != 3 {
					t.Errorf("%d selected with %q, want 3", res.Selected, tt.selects)
				}
			}
		})
	}
}

// TestParquetUnusable does the same as TestScoreFilesUnusable for Parquet files with Harvest's columns.
func TestParquetUnusable(t *testing.T) {
	t.Parallel()
	rated := func(rating int8, styles ...string) scores.Record {
		return scores.Record{Status: scores.OK,
			Result: scorer.Result{Styles: styles, Ratings: []int8{rating}, Expected: []float32{float32(max(rating, 0))}}}
	}
	failed := scores.Record{Status: scores.Failed, Result: scorer.Result{Code: images.NotFound, Reason: "image not found"}}
	tests := map[string]struct {
		records []scores.Record
		says    string
	}{
		"all failed": {[]scores.Record{failed, failed},
			"none of the samples (2) has a rating (2 were not scored); `harvest retry RUN`"},
		"no rating": {[]scores.Record{rated(scorer.Missing, "yes/no"), failed},
			"none of the samples (2) has a rating (1 were not scored)"},
		"zero":     {[]scores.Record{rated(0, "yes/no"), failed}, "every rating is 0"},
		"no style": {[]scores.Record{rated(4), failed}, "no known style"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i := range tt.records {
				tt.records[i].ID, tt.records[i].Position, tt.records[i].Source = fmt.Sprint("s", i), i, "web"
			}
			writeScores(t, filepath.Join(dir, "s.parquet"), tt.records)
			a := harvest(t, dir, nil,
				"select", "--scores", "s.parquet", "--out", "picks.parquet", "--json", "--budget", "1.0")
			var res map[string]json.RawMessage
			decode(t, a.stdout, &res)
			if a.status != 1 || !strings.Contains(a.stderr, tt.says) || string(res["selected"]) != "0" {
				t.Errorf("status %d: %s, want 1 and %q; printed %s", a.status, a.stderr, tt.says, a.stdout)
			}
			if _, err := os.Stat(filepath.Join(dir, "picks.parquet")); err == nil {
				t.Error("picks are written")
			}
		})
	}
}

// TestTextIdxSubset selects from records whose idx is a text. The reference does the same.
func TestTextIdxSubset(t *testing.T) {
	t.Parallel()
	quoted := func(text string) string {
		for i := range scoredSamples {
			text = strings.ReplaceAll(text, fmt.Sprintf(`"idx": %d`, i), fmt.Sprintf(`"idx": "s%d"`, i))
		}
		return text
	}
	styles, ratings := answers(`"yes/no"`, `"comparison"`), answers(`"4"`, `"3"`, `"5"`)
	dir := scoreFolder(t, ratings, ratings, styles)
	args := append(slices.Clone(selectFolder), "--ratings-only")
	mustHarvest(t, dir, args...)
	want := quoted(readFile(t, filepath.Join(dir, "subset.json")))
	dir = scoreFolder(t, quoted(ratings), quoted(ratings), quoted(styles))
	writeFile(t, filepath.Join(dir, "manifest.json"), quoted(readFile(t, filepath.Join(dir, "manifest.json"))))
	mustHarvest(t, dir, args...)
	if diff := cmp.Diff(want, readFile(t, filepath.Join(dir, "subset.json"))); diff != "" {
		t.Errorf("subset (-numbers +texts):\n%s", diff)
	}
}

// TestParquetTwice refuses two score files of the same content.
func TestParquetTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := scores.Record{ID: "a", Source: "web", Status: scores.OK,
		Result: scorer.Result{Styles: []string{"yes/no"}, Ratings: []int8{4}, Expected: []float32{4}}}
	for _, name := range []string{"a.parquet", "b.parquet", "c.parquet"} {
		writeScores(t, filepath.Join(dir, name), []scores.Record{record})
		record.ID = "b" // b.parquet and c.parquet are equal
	}
	args := []string{"select", "--out", "picks.parquet", "--budget", "1", "--scores"}
	a := harvest(t, dir, nil, append(args, "*.parquet")...)
	says(t, a.stderr, "--scores: b.parquet and c.parquet have the same content, so each sample would count twice")
	if a.status != 2 {
		t.Errorf("status %d, want 2", a.status)
	}
	mustHarvest(t, dir, append(args, "[ab].parquet")...)
	both := mustHarvest(t, dir, append(args, "a.parquet", "--scores", "[ab].parquet")...)
	says(t, both.stdout, "selected 1 of 2 samples")
	writeFile(t, filepath.Join(dir, "out", "scores-0000.parquet"), "x")
	writeFile(t, filepath.Join(dir, "out", "picks.parquet"), "x")
	writeFile(t, filepath.Join(dir, "out", "rejected.jsonl"), "x")
	for want, scores := range map[string][]string{
		"--scores out: the folder has Parquet files; give --scores 'out/scores-*.parquet'": {"out"},
		"--scores .: the folder has Parquet files; give --scores '*.parquet'":              {"."},
		"--scores a.parquet --scores .: only Parquet files may be given together":          {"a.parquet", "--scores", "."},
	} {
		if a := harvest(t, dir, nil, append(args, scores...)...); a.status != 2 || !strings.Contains(a.stderr, want) {
			t.Errorf("%q: status %d, %s", scores, a.status, a.stderr)
		}
	}
}

// Folders and files that exist are not patterns, also if their names have special characters.
func TestParquetBrackets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, id := range map[string]string{
		filepath.Join("o[1]", "scores-0000.parquet"): "brackets", filepath.Join("o1", "scores-0000.parquet"): "no brackets",
		"x[1].parquet": "brackets", "x1.parquet": "no brackets",
	} {
		record := scores.Record{ID: id, Status: scores.OK,
			Result: scorer.Result{Styles: []string{"yes/no"}, Ratings: []int8{4}, Expected: []float32{4}}}
		writeScores(t, filepath.Join(dir, name), []scores.Record{record})
	}
	args := []string{"select", "--budget", "1", "--scores"}
	for typed, want := range map[string]string{
		"o[1]/scores-0000.parquet": "brackets", "o[1]/scores-*.parquet": "brackets", "o[[]1]/*.parquet": "brackets",
		"x[1].parquet": "brackets", "x[12].parquet": "no brackets", "o[12]/*.parquet": "no brackets",
	} {
		mustHarvest(t, dir, append(args, typed, "--out", "picks.parquet")...)
		file := readFile(t, filepath.Join(dir, "picks.parquet"))
		picks, err := scores.ReadPicks(strings.NewReader(file), int64(len(file)))
		if err != nil || len(picks) != 1 || picks[0].ID != want {
			t.Errorf("%s: %v, %v, want the sample %q", typed, picks, err, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.parquet"), 0o755); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{
		"o[1]":           "the folder has Parquet files; give --scores 'o[[]1]/scores-*.parquet'",
		"folder.parquet": "--scores folder.parquet: it is a folder; give a file or a pattern, such as",
	} {
		a := harvest(t, dir, nil, append(args, typed, "--out", "picks.parquet")...)
		if says(t, a.stderr, want); a.status != 2 {
			t.Errorf("%s: status %d, want 2", typed, a.status)
		}
	}
}

// TestParquetRepeated counts a row in two score files once, and refuses two rows of a sample with different scores.
func TestParquetRepeated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, records ...scores.Record) {
		t.Helper()
		writeScores(t, filepath.Join(dir, name), records)
	}
	rated := func(ratings ...int8) (records []scores.Record) {
		for i, rating := range ratings {
			records = append(records, scores.Record{
				ID: fmt.Sprint("s", i), Content: fmt.Sprint("c", i), Position: i, Source: "web", Status: scores.OK,
				Result: scorer.Result{
					Styles: []string{"yes/no"}, Ratings: []int8{rating}, Expected: []float32{float32(rating)},
				},
			})
		}
		return records
	}
	write("a.parquet", rated(4, 3)...)
	write("b.parquet", rated(4, 3, 5)...)
	write("c.parquet", rated(4, 2)...)
	write("d.parquet", append(rated(4, 3), rated(4)...)...)
	moved := rated(4)
	moved[0].Position = 9
	write("e.parquet", moved...)
	args := []string{"select", "--out", "picks.parquet", "--budget", "100%", "--json", "--scores"}
	a := mustHarvest(t, dir, append(args, "[ab].parquet")...)
	var res fileResult
	decode(t, a.stdout, &res)
	if res.Samples.In != 3 || res.Selected != 3 || len(res.Warnings) != 1 || res.Warnings[0].Count != 2 {
		t.Errorf("%+v", res)
	}
	says(t, a.stderr, "2 rows equal to an earlier row, counted once",
		"2 in b.parquet, the first: idx s0")
	a = harvest(t, dir, nil, append(args, "[ac].parquet")...)
	says(t, a.stderr, `--scores: a.parquet and c.parquet: the sample "s1" has different scores in the two files `+
		`(rating of humanities: 3 and 2); remove one of the files`)
	if a.status != 2 {
		t.Errorf("status %d, want 2", a.status)
	}
	a = mustHarvest(t, dir, append(args, "[de].parquet")...)
	res = fileResult{}
	decode(t, a.stdout, &res)
	if res.Samples.In != 3 || len(res.Warnings) != 2 || res.Warnings[1].Kind != reference.MovedRow {
		t.Errorf("%+v", res)
	}
	says(t, a.stderr, "1 row equal to an earlier row, counted once\n  1 in d.parquet, the first: idx s0",
		"1 row with the id and content of a row of an earlier file, but at another place: each counts")
}

// TestScoreFilesMissing names the flag of a folder or file that does not exist, as for other flags.
func TestScoreFilesMissing(t *testing.T) {
	t.Parallel()
	good := answers(`"4"`, `"3"`)
	dir := scoreFolder(t, good, good, answers(`"yes/no"`, `"comparison"`))
	for want, named := range map[string][2]string{
		"harvest: --scores gone: there is no such folder": {"gone", "manifest.json"},
		"harvest: --manifest gone.json: there is no such": {"scores", "gone.json"},
	} {
		a := harvest(t, dir, nil, "select", "--budget", "1", "--out", "out.json", "--scores", named[0], "--manifest",
			named[1])
		if says(t, a.stderr, want); a.status != 2 {
			t.Errorf("status %d, want 2", a.status)
		}
	}
}
