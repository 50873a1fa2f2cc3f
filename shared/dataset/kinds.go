package dataset

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset/compression"
)

// kindBytes is the number of bytes, at the start of a file, that are needed to find its kind.
const kindBytes = 4 << 10

// A kind is a kind of file that Harvest refuses as a manifest. The kind depends only on the content of the file. The
// name does not matter.
type kind struct {
	name    string // completes the sentence "the file is ..."
	is      func(head []byte) bool
	fix     string // what the user can do
	command string // FormatError.Command
}

// The kinds of binary files, and the kinds of text whose first characters differ from JSON. If several kinds match, the
// first one is reported.
var kinds = []kind{
	{"compressed with lz4", begins("\x04\x22\x4d\x18"), unpack, "lz4 -d < FILE > OUT"},
	{"a zip archive", begins("PK\x03\x04", "PK\x05\x06"), unpackArchive, "unzip FILE"},
	{"a 7z archive", begins("7z\xbc\xaf\x27\x1c"), unpackArchive, "7z x FILE"},
	{
		"an Arrow file",
		begins("ARROW1"),
		writeLines,
		python("pyarrow.ipc", "p.open_file(sys.argv[1]).read_all().to_batches(64)"),
	},
	{"an Arrow stream, as Hugging Face's datasets library keeps them", begins("\xff\xff\xff\xff"), writeLines,
		python("pyarrow.ipc", "p.open_stream(sys.argv[1])")},
	{
		"an image",
		begins("\x89PNG", "\xff\xd8\xff", "GIF8", "RIFF"),
		"give the JSON or JSONL file that names images",
		"",
	},
	{"text in UTF-32", begins("\xff\xfe\x00\x00", "\x00\x00\xfe\xff", "{\x00\x00\x00", "[\x00\x00\x00", "\x00\x00\x00{",
		"\x00\x00\x00["), "convert it to UTF-8", "iconv -f UTF-32 -t UTF-8 FILE > OUT"},
	{"a pointer of Git LFS; the data itself was not downloaded", begins("version https://git-lfs"),
		"download it in the clone of its repository", "git lfs pull"},
	{
		"an HTML page; servers send such a page if a file was deleted or needs a login",
		isMarkup("<!doctype html", "<html"),
		"download the file again",
		"",
	},
	{"XML", isMarkup("<?xml"), "write its records as JSONL, one record a line", ""},
	{"filled with zeros: an empty tar archive, or an incomplete download", isZeros,
		"write samples to it, or download it again", ""},
	{"binary, and may be the beginning of a tar archive that was cut short", isTarStart,
		"download or copy it again, or give a JSON or JSONL file", ""},
	{"binary", isBinary, "give a JSON or JSONL file", ""},
}

const (
	unpack        = "unpack it, and give the unpacked file"
	unpackArchive = "unpack it, and give the JSON or JSONL file in it"
	writeLines    = "write its rows as JSONL, and give that file"
)

// python returns a command that writes the batches of a columnar file as JSONL. Bytes are written as base64, like
// embedded images in records.
func python(module, batches string) string {
	return `python3 -c "import base64, json, sys, ` + module + ` as p; ` +
		`[print(json.dumps(row, default=lambda v: base64.b64encode(v).decode() if isinstance(v, bytes) else str(v))) ` +
		`for batch in ` + batches + ` for row in batch.to_pylist()]" FILE > OUT`
}

// kindOf finds the kind of a file from its first bytes. ok is false if the file may be a manifest.
func kindOf(head []byte) (kind, bool) {
	if packed := compression.Of(head); packed != "" {
		command := packed.Command() + " < FILE > OUT"
		return kind{name: "compressed with " + string(packed), fix: unpack, command: command}, true
	}
	for _, k := range kinds {
		if k.is(head) {
			return k, true
		}
	}
	return kind{}, false
}

// OtherKind returns the kind of a file that is neither a table nor JSON in UTF-8, judged by its content. It completes
// the sentence "the file is ...". It is empty if the file may be one of these.
func OtherKind(content []byte) string {
	head := content[:min(len(content), kindBytes)]
	if k, ok := kindOf(head); ok {
		return k.name
	}
	if encodingOf(head) != UTF8 {
		return "text in UTF-16"
	}
	return ""
}

func (k kind) refusal() *FormatError {
	return &FormatError{Detail: "the file is " + k.name + "; " + k.fix, Command: k.command}
}

func begins(magic ...string) func([]byte) bool {
	return func(head []byte) bool {
		for _, m := range magic {
			if bytes.HasPrefix(head, []byte(m)) {
				return true
			}
		}
		return false
	}
}

func isMarkup(tags ...string) func([]byte) bool {
	return func(head []byte) bool {
		head = bytes.TrimLeft(head, " \t\r\n"+byteOrderMark)
		for _, tag := range tags {
			if len(head) >= len(tag) && strings.EqualFold(string(head[:len(tag)]), tag) {
				return true
			}
		}
		return false
	}
}

func isZeros(head []byte) bool {
	return len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0
}

// isTarStart reports whether a file may be an incomplete header of a tar archive: a name, zeros, and then numbers.
func isTarStart(head []byte) bool {
	const nameBytes, numbersEnd, headerBytes = 100, 156, 512
	if len(head) >= headerBytes {
		return false
	}
	name := head[:min(len(head), nameBytes)]
	numbers := head[len(name):min(len(head), numbersEnd)]
	name, filled, zero := bytes.Cut(name, []byte{0})
	return zero && len(name) > 0 && utf8.Valid(name) && !bytes.ContainsFunc(name, unicode.IsControl) &&
		len(bytes.Trim(filled, "\x00")) == 0 && len(bytes.Trim(numbers, "\x00 01234567")) == 0
}

// isBinary reports whether a file is not text. A zero byte does not make a JSON file binary: it is a fault of one
// record.
func isBinary(head []byte) bool {
	if encodingOf(head) != UTF8 {
		return false
	}
	start := bytes.TrimLeft(head, " \t\r\n"+byteOrderMark)
	return len(start) > 0 && start[0] != '{' && start[0] != '[' && bytes.IndexByte(head, 0) >= 0
}

// The kinds of text other than JSON, in the order in which they are tried.
var textKinds = []kind{
	{name: "JSON with comments", is: begins("//", "/*"), fix: "remove the comments"},
	{name: "Python's notation with single quotes", is: begins("{'"), fix: "write it as JSON",
		command: `python3 -c "import ast, json, sys; ` +
			`[print(json.dumps(ast.literal_eval(line))) for line in open(sys.argv[1]) if line.strip()]" FILE > OUT`},
	{name: "YAML", is: isYAML, fix: "a list of files is not a manifest: give the JSON and JSONL files that it names"},
	{name: "a table of tab-separated values", is: isTable('\t'), fix: writeRows},
	{name: "a table of comma-separated values", is: isTable(','), fix: writeRows},
}

const writeRows = `write each row as a record on a line of JSONL, such as {"id": …, "image": …, "conversations": […]}`

// looksLike adds the probable kind of the text, and the fix, to the error.
func (e *FormatError) looksLike(head []byte) {
	for _, k := range textKinds {
		if k.is(head) {
			e.Detail += "; it looks like " + k.name + ": " + k.fix
			e.Command = k.command
			return
		}
	}
	e.Detail += theForms
}

var yamlLine = regexp.MustCompile(`^(---|%YAML|- |[A-Za-z_][\w.-]*:( |$))`)

// isYAML reports whether the first line that is not a comment looks like YAML.
func isYAML(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return yamlLine.Match(line)
		}
	}
	return false
}

// isTable reports whether the first two rows have the same number of columns, at least two.
func isTable(comma rune) func([]byte) bool {
	return func(head []byte) bool {
		rows := csv.NewReader(bytes.NewReader(head))
		rows.Comma, rows.LazyQuotes = comma, true
		first, err := rows.Read()
		if err != nil || len(first) < 2 {
			return false
		}
		// A row that is cut by the end of head has fewer columns.
		_, err = rows.Read()
		return err == nil || rows.InputOffset() == kindBytes
	}
}
