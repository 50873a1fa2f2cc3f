package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// packed returns the output of a packer.
func packed(tb testing.TB, pack func(io.Writer) error) string {
	tb.Helper()
	var b bytes.Buffer
	if err := pack(&b); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// unbase64 decodes a small file.
func unbase64(tb testing.TB, text string) string {
	tb.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// archives returns a line of JSONL, compressed with gzip and zstd, and in a zip archive.
func archives(tb testing.TB) (gz, zst, zipped string) {
	tb.Helper()
	fill := func(w io.WriteCloser) error {
		_, err := io.WriteString(w, valid+"\n")
		return errors.Join(err, w.Close())
	}
	gz = packed(tb, func(w io.Writer) error { return fill(gzip.NewWriter(w)) })
	zst = packed(tb, func(w io.Writer) error {
		packer, err := zstd.NewWriter(w)
		return errors.Join(err, fill(packer))
	})
	zipped = packed(tb, func(w io.Writer) error {
		z := zip.NewWriter(w)
		file, err := z.Create("a.jsonl")
		if err == nil {
			_, err = io.WriteString(file, valid)
		}
		return errors.Join(err, z.Close())
	})
	return gz, zst, zipped
}

// An otherKind is a file that is not a manifest: its name, its content, and parts of the text and of the command in its
// error.
type otherKind struct{ file, content, says, command string }

const pythonCommand = `: python3 -c "import `

// otherKinds returns a file of each kind that an error names.
func otherKinds(tb testing.TB) map[string]otherKind {
	tb.Helper()
	gz, zst, zipped := archives(tb)
	return map[string]otherKind{
		"gzip": {"a/b.jsonl.gz", gz, "compressed with gzip", ": gunzip < a/b.jsonl.gz > a/b.jsonl"},
		"a false name": {
			"my data.json", gz,
			"compressed with gzip", ": gunzip < 'my data.json' > 'my data-converted.json'",
		},
		"zstd": {"b.zst", zst, "compressed with zstd", ": zstd -d < b.zst > b.jsonl"},
		"bzip2": {
			"b.json.bz2", unbase64(tb, "QlpoORdyRThQkAAAAAA="),
			"compressed with bzip2", ": bunzip2 < b.json.bz2 > b.json",
		},
		"xz": {
			"b.xz", unbase64(tb, "/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo="),
			"compressed with xz", ": unxz < b.xz",
		},
		"zip":          {"b.zip", zipped, "a zip archive", ": unzip b.zip"},
		"Arrow":        {"b.arrow", "ARROW1\x00\x00\xff", "an Arrow file", "open_file(sys.argv[1])"},
		"Arrow stream": {"b.arrow", "\xff\xff\xff\xff\x10", "an Arrow stream", `" b.arrow > b.jsonl`},
		"image":        {"b.png", "\x89PNG\r\n\x1a\n", "an image", ""},
		"UTF-32": {
			"b.jsonl", "\xff\xfe\x00\x00{\x00\x00\x00",
			"UTF-32", "iconv -f UTF-32 -t UTF-8 b.jsonl > b-converted.jsonl",
		},
		"Git LFS": {
			"b.json", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
			"Git LFS", ": git lfs pull",
		},
		"HTML":  {"b.json", "\n<!DOCTYPE HTML><html>", "an HTML page", "download the file again"},
		"XML":   {"b.json", bom + "<?xml version=\"1.0\"?>", "XML", "JSONL"},
		"zeros": {"b.json", strings.Repeat("\x00", 9000), "filled with zeros", "download it again"},
		"tar cut in a name": {
			"b.tar", "demo/0001.json" + strings.Repeat("\x00", 86), "tar archive that was cut short", "download or copy",
		},
		"tar cut in its numbers": {
			"b.tar", "demo/0001.json" + strings.Repeat("\x00", 86) + "0000644\x000001750\x00",
			"tar archive that was cut short", "download or copy it again",
		},
		"other bytes": {"b.pkl", "\x80\x04\x95\x00\x00", "is binary", "give a JSON or JSONL file"},
		"comments": {
			"b.json", "// records\n[{}]\n",
			"not JSON: none of its first 2 lines", "JSON with comments: remove the comments",
		},
		"Python": {"b.jsonl", "{'id': 1}\n{'id': 2}\n", "Python's notation", pythonCommand + "ast, json, sys"},
		"YAML": {
			"b.yaml", "# mix\ndatasets:\n - json_path: a.json\n",
			"looks like YAML", "give the JSON and JSONL files",
		},
		"YAML document": {"b.yaml", "---\na: 1\n", "looks like YAML", ""},
		"CSV":           {"b.csv", "id,image\n1,\"a, b.png\"\n", "comma-separated", `{"id": …`},
		"TSV":           {"b.tsv", "id\timage\n1\t" + strings.Repeat("A", 9000) + "\n", "tab-separated", `{"id": …`},
		"prose": {
			"b.txt", "Dear all, the data\nis in the other folder.\n",
			"not JSON: none of its first 2 lines", "a manifest is a JSON array",
		},
	}
}

func TestSplitNamesOtherKinds(t *testing.T) {
	t.Parallel()
	for name, tc := range otherKinds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Split(strings.NewReader(tc.content), 1<<20)
			fault, ok := errors.AsType[*FormatError](err)
			if !ok {
				t.Fatalf("Split: %v, want a FormatError", err)
			}
			fault.File = tc.file
			text := fault.Error()
			if !strings.HasPrefix(text, tc.file+": ") ||
				!strings.Contains(text, tc.says) || !strings.Contains(text, tc.command) {
				t.Errorf("the error is %q, want %q with %q and %q", text, tc.file, tc.says, tc.command)
			}
			if strings.Contains(text, "FILE") || strings.Contains(text, "OUT") || strings.Contains(text, "\n") {
				t.Errorf("%q is not a line about %s", text, tc.file)
			}
		})
	}
}

// A file is refused because of its first bytes only if it cannot be JSON.
func TestSplitReadsManifestsLikeOtherKinds(t *testing.T) {
	t.Parallel()
	for name, manifest := range map[string]string{
		"ustar in an id":   `{"id": "` + strings.Repeat("x", 257-8) + `ustar"}`,
		"zero in a record": "{\"id\": \"\x00\"}\n" + valid,
		"text before":      "version 1\nid,image\n" + valid,
		"YAML before":      "---\n" + valid,
	} {
		if _, err := Split(strings.NewReader(manifest), 1<<20); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
