package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/thorough"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// pack returns a text that is compressed with this kind of compression.
func pack(t *testing.T, kind compression.Kind, text string) string {
	t.Helper()
	var packed bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&packed)
	if kind == compression.Zstd {
		var err error
		if w, err = zstd.NewWriter(&packed); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// TestCompressedStudy runs commands on compressed manifests. The results equal the results with the unpacked manifests,
// and no unpacked file is left.
func TestCompressedStudy(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir, temporary := t.TempDir(), t.TempDir()
	newDataset(t, dir, 40, 16)
	writeHarbour(t, dir)
	demoTars(t, dir, 12)
	writeAnnotations(t, filepath.Join(dir, "own.jsonl"), annotateByScorer(t, dir, 1, "--no-report", "dataset.json"))
	writeAnnotations(t, filepath.Join(dir, "tar.jsonl"), annotateByScorer(t, dir, 1, "--no-report", "demo-000.tar"))
	api := newVisionAPI(t)
	studies := []struct {
		manifest, written string
		command           []string
	}{
		{"dataset.json", "a.annotations", api.args("annotate", "--quiet", "--samples", "9", "--out", "out/a.annotations")},
		{"dataset.json", "", []string{"evaluate", "--state", "state", "--annotations", "own.jsonl"}},
		{"dataset.json", "scorer_train.json", []string{"export", "--annotations", "own.jsonl", "--out", "out"}},
		{"demo-000.tar", "", []string{"evaluate", "--state", "state", "--annotations", "tar.jsonl"}},
		{"demo-000.tar", "scorer_train.json", []string{"export", "--annotations", "tar.jsonl", "--out", "out"}},
		{"d.jsonl", "w.zst", []string{"train", "--annotations", "a.jsonl", "--rubric", "rubric.yaml", "--out", "out/w.zst"}},
	}
	env := append(api.env(), "TMPDIR="+temporary)
	run := func(study []string, manifest, written string) (said, file string) {
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		a := harvest(t, dir, env, append(study, manifest)...)
		if a.status != 0 {
			t.Fatalf("%s %s: status %d: %s", study[0], manifest, a.status, a.stderr)
		}
		if written != "" {
			file = readFile(t, filepath.Join(dir, "out", written))
		}
		return a.stdout, file
	}
	for _, study := range studies {
		plain := readFile(t, filepath.Join(dir, study.manifest))
		said, file := run(study.command, study.manifest, study.written)
		for end, kind := range map[string]compression.Kind{".gz": compression.Gzip, ".zst": compression.Zstd} {
			writeFile(t, filepath.Join(dir, study.manifest+end), pack(t, kind, plain))
			saidPacked, filePacked := run(study.command, study.manifest+end, study.written)
			if study.command[0] == "evaluate" { // the outputs of the other commands differ in the names of the run and the file
				if diff := cmp.Diff(said, saidPacked); diff != "" {
					t.Errorf("evaluate %s (-plain +compressed):\n%s", study.manifest+end, diff)
				}
			}
			if file != filePacked {
				t.Errorf("%s %s: another %s", study.command[0], study.manifest+end, study.written)
			}
		}
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left unpacked: %v, %v", left, err)
	}
}

// TestCompressedStudyRefuses checks that the error of a manifest that cannot be unpacked names the manifest, and that
// no unpacked file is left.
func TestCompressedStudyRefuses(t *testing.T) {
	t.Parallel()
	dir, temporary := t.TempDir(), t.TempDir()
	writeHarbour(t, dir)
	packed := pack(t, compression.Gzip, readFile(t, filepath.Join(dir, "d.jsonl")))
	writeFile(t, filepath.Join(dir, "whole.jsonl.gz"), packed)
	writeFile(t, filepath.Join(dir, "cut.jsonl.gz"), packed[:len(packed)-20])
	for _, tc := range []struct{ manifest, limit, says string }{
		{"cut.jsonl.gz", "100000", "harvest: manifest cut.jsonl.gz: the file is compressed with gzip and cut short"},
		{"whole.jsonl.gz", "1000", "harvest: manifest whole.jsonl.gz: the file is compressed with gzip and unpacks to more " +
			"than the 1000 bytes that MAX_GZIP_BYTES allows; give the unpacked file, which has no limit, or several " +
			"smaller files: gunzip < whole.jsonl.gz > "},
	} {
		a := harvest(t, dir, []string{"MAX_GZIP_BYTES=" + tc.limit, "TMPDIR=" + temporary}, "train", "--annotations",
			"a.jsonl", "--rubric", "rubric.yaml", "--out", "w.zst", tc.manifest)
		if a.status != 1 || !strings.HasPrefix(a.stderr, tc.says) {
			t.Errorf("%s: status %d, %q, want %q", tc.manifest, a.status, a.stderr, tc.says)
		}
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left unpacked: %v, %v", left, err)
	}
}

// TestCompressedAnnotations reads compressed annotations, and refuses a file that is cut short.
func TestCompressedAnnotations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := `{"id": "a", "scores": [` + strings.Repeat(",1", 14)[1:] + `], "styles": ["yes/no"]}` + "\n"
	for _, kind := range []compression.Kind{compression.Gzip, compression.Zstd} {
		packed := pack(t, kind, line)
		name := writeFile(t, filepath.Join(dir, string(kind)), packed)
		read, err := readAnnotations(name, rubric.Default(), compression.Limits{Gzip: 1 << 20, Zstd: 1 << 20})
		if err != nil || len(read) != 1 || read[0].ID != "a" {
			t.Errorf("%s: %+v, %v", kind, read, err)
		}
		writeFile(t, name, packed[:len(packed)-6])
		_, err = readAnnotations(name, rubric.Default(), compression.Limits{Gzip: 1 << 20, Zstd: 1 << 20})
		if err == nil || !strings.Contains(err.Error(), name+": the file is compressed with "+string(kind)+" and cut short") {
			t.Errorf("%s, cut short: %v", kind, err)
		}
	}
}
