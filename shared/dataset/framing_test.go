package dataset

import (
	"encoding/binary"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// in16 returns text in UTF-16, with a byte order mark.
func in16(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(bom + text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// An element is the position of a record.
type element struct {
	Raw           string
	Element, Line int64
}

// Records of the manifests below.
const (
	recordA, recordB, recordC = `{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`
	recordOfTurns             = `{"id":7,"conversations":[{"from":"human"}],"data":[{}]}`
)

// onLines returns the records a, b and c, each with the line on which it begins.
func onLines(numbers ...int64) (list []element) {
	for i, line := range numbers {
		list = append(list, element{[]string{recordA, recordB, recordC}[i], int64(i) + 1, line})
	}
	return list
}

// manifestForms are manifests with their expected framing and records.
var manifestForms = map[string]struct {
	manifest string
	framing  Framing
	want     []element
}{
	"marks before lines": {
		bom + recordA + "\n" + bom + recordB + "\n\n" + bom + " " + recordC,
		Framing{Format: Lines}, onLines(1, 2, 4),
	},
	"marks in an array":  {"[" + recordA + ",\n" + bom + recordB + bom + "]", Framing{Format: Array}, onLines(1, 2)},
	"commas after lines": {recordA + ",\n" + recordB + " , \r\n" + recordC, Framing{Format: Lines}, onLines(1, 2, 3)},
	"commas before lines": {
		recordA + "\n," + recordB + "\n,\n , " + recordC + ",", Framing{Format: Lines}, onLines(1, 2, 4),
	},
	"CR":              {recordA + "\r" + recordB + "\r\r" + recordC + "\r", Framing{Format: Lines}, onLines(1, 2, 4)},
	"CR and commas":   {recordA + ",\r" + recordB + ", \r" + recordC, Framing{Format: Lines}, onLines(1, 2, 3)},
	"CR, CRLF and LF": {recordA + "\r" + recordB + "\r\n" + recordC + "\n", Framing{Format: Lines}, onLines(1, 2, 3)},
	"CR and broken lines": {
		recordA + "\roops\r" + `{"id` + "\r" + recordB,
		Framing{Format: Lines}, []element{{recordA, 1, 1}, {"oops", 2, 2}, {`{"id`, 3, 3}, {recordB, 4, 4}},
	},
	"CR in a string": {
		recordA + "\n{\"a\rb\"}\n" + recordC,
		Framing{Format: Lines}, []element{{recordA, 1, 1}, {"{\"a\rb\"}", 2, 2}, {recordC, 3, 3}},
	},
	"CR as space": {
		recordA + "\n{\r\"a\":1\r, \"b\":2}\n" + recordC,
		Framing{Format: Lines}, []element{{recordA, 1, 1}, {"{\r\"a\":1\r, \"b\":2}", 2, 2}, {recordC, 3, 3}},
	},
	"array with CR":    {"[\r" + recordA + ",\r\r" + recordB + "\r]", Framing{Format: Array}, onLines(2, 4)},
	"array with CRLF":  {"[\r\n" + recordA + ",\r\n\r\n" + recordB + "\r\n]", Framing{Format: Array}, onLines(2, 4)},
	"list on one line": {`{"data":[` + recordA + "," + recordB + "]}\n", Framing{Format: Array}, onLines(1, 1)},
	"list on many lines": {
		"{\n \"samples\": [\n  " + recordA + ",\n  " + recordB + "\n ]\n}\n",
		Framing{Format: Array}, onLines(3, 4),
	},
	"list with CR": {
		"{\r \"samples\": [\r  " + recordA + ",\r  " + recordB + "\r ]\r}\r",
		Framing{Format: Array}, onLines(3, 4),
	},
	"list with few CR": {"{\r\"data\":[" + recordA + "," + recordB + "]}", Framing{Format: Array}, onLines(2, 2)},
	"keys around the list": {
		bom + `{"v":1,"n":NaN,"info":{"a":[{"x":"]"}]},"none":[],` +
			`"train":[` + recordA + "\n," + recordB + `],"l":[1,{}],"s":"}"}`,
		Framing{Format: Array}, onLines(1, 2),
	},
	"a list of any key": {`{"My \"own\" list":[` + recordA + "]}", Framing{Format: Array}, onLines(1)},
	"broken element of list": {
		`{"data":[` + recordA + `,{"b" oops},` + recordC + "]}",
		Framing{Format: Array}, []element{{recordA, 1, 1}, {`{"b" oops}`, 2, 1}, {recordC, 3, 1}},
	},
	"one record": {recordOfTurns + "\n", Framing{Format: Lines}, []element{{recordOfTurns, 1, 1}}},
	"one record on lines": {
		"\n" + strings.ReplaceAll(recordOfTurns, ",", ",\n"),
		Framing{Format: Objects}, []element{{strings.ReplaceAll(recordOfTurns, ",", ",\n"), 1, 2}},
	},
	"one object, no list": {
		`{"data":{"a":[{}]}}`,
		Framing{Format: Lines}, []element{{`{"data":{"a":[{}]}}`, 1, 1}},
	},
	"lines with lists": {
		`{"data":[` + recordA + "]}\n" + `{"data":[` + recordB + "]}\n",
		Framing{Format: Lines}, []element{{`{"data":[` + recordA + "]}", 1, 1}, {`{"data":[` + recordB + "]}", 2, 2}},
	},
	"objects on lines": {
		"{\n\"a\": [\n{}]\n}\n{\n}\n\n" + recordC,
		Framing{Format: Objects}, []element{{"{\n\"a\": [\n{}]\n}", 1, 1}, {"{\n}", 2, 5}, {recordC, 3, 8}},
	},
	"objects with commas": {
		"{\n},\n{\n} ,{}\n,",
		Framing{Format: Objects}, []element{{"{\n}", 1, 1}, {"{\n}", 2, 3}, {"{}", 3, 4}},
	},
	"objects with CR": {
		"{\r\"a\": 1\r}\r{\r}",
		Framing{Format: Objects}, []element{{"{\r\"a\": 1\r}", 1, 1}, {"{\r}", 2, 4}},
	},
	"objects on one line": {
		recordA + recordB + " " + recordC + "\n",
		Framing{Format: Objects}, []element{{recordA, 1, 1}, {recordB, 2, 1}, {recordC, 3, 1}},
	},
	"broken first object": {
		"{\"a\": 1,\n oops }\n" + recordB,
		Framing{Format: Objects}, []element{{"{\"a\": 1,\n oops }", 1, 1}, {recordB, 2, 3}},
	},
	"broken on lines": {
		"{\"data\":[\n" + recordA + ",\n{\"b\" oops},\n" + recordC + "]}",
		Framing{Format: Array}, []element{{recordA, 1, 2}, {`{"b" oops}`, 2, 3}, {recordC, 3, 4}},
	},
	"cut line of turns": {
		"{\"conversations\":[{\"a\":1},\n" + recordB + "\n" + recordC,
		Framing{Format: Lines}, []element{{`{"conversations":[{"a":1}`, 1, 1}, {recordB, 2, 2}, {recordC, 3, 3}},
	},
	"cut line of keys": {
		"{\"a\":1,\n" + recordB + "\n" + recordC,
		Framing{Format: Lines}, []element{{`{"a":1`, 1, 1}, {recordB, 2, 2}, {recordC, 3, 3}},
	},
	"cut first line": {
		"{\"turns\":[{\"a\":1},\n" + recordB + "\n" + recordC,
		Framing{Format: Lines}, []element{{`{"turns":[{"a":1}`, 1, 1}, {recordB, 2, 2}, {recordC, 3, 3}},
	},
	"first line in a string": {
		"{\"turns\":\"[{\n" + recordB + "\n" + recordC,
		Framing{Format: Lines}, []element{{`{"turns":"[{`, 1, 1}, {recordB, 2, 2}, {recordC, 3, 3}},
	},
	"joined first line": {
		recordA + recordA + "\n" + recordB + "\n",
		Framing{Format: Objects}, []element{{recordA, 1, 1}, {recordA, 2, 1}, {recordB, 3, 2}},
	},
	"joined later line": {
		recordA + "\n" + recordB + ", " + recordC + "\n",
		Framing{Format: Objects}, []element{{recordA, 1, 1}, {recordB, 2, 2}, {recordC, 3, 2}},
	},
	"joined and broken": {
		recordA + recordA + "\n{\"a\":\n" + recordC + "\n",
		Framing{Format: Lines}, []element{{recordA + recordA, 1, 1}, {"{\"a\":", 2, 2}, {recordC, 3, 3}},
	},
	"joined over lines": {
		recordA + "\n{\"a\":\r\n1}\n" + recordC,
		Framing{Format: Objects}, []element{{recordA, 1, 1}, {"{\"a\":\r\n1}", 2, 2}, {recordC, 3, 4}},
	},
	"NaN only": {
		`{"a":NaN}` + "\n{}",
		Framing{Format: Lines}, []element{{`{"a":NaN}`, 1, 1}, {"{}", 2, 2}},
	},
	"UTF-16LE array": {
		in16(binary.LittleEndian, "[\r\n"+recordA+",\r\n"+recordB+"]"),
		Framing{Array, UTF16LE}, onLines(2, 3),
	},
	"UTF-16BE lines":        {in16(binary.BigEndian, recordA+"\r\n"+recordB+","), Framing{Lines, UTF16BE}, onLines(1, 2)},
	"UTF-16 without a mark": {in16(binary.LittleEndian, recordA+"\n"+recordB)[2:], Framing{Lines, UTF16LE}, onLines(1, 2)},
	"UTF-16 beyond ASCII": {
		in16(binary.BigEndian, `{"ä":"€"}`+"\n"+`{"𝄞":"😀"}`),
		Framing{Lines, UTF16BE}, []element{{`{"ä":"€"}`, 1, 1}, {`{"𝄞":"😀"}`, 2, 2}},
	},
	"UTF-16 with half pairs": {
		in16(binary.LittleEndian, "{}\n\"") + "\x00\xdc\x00\xdc\x00\xd8\"\x00\n\x00{\x00}\x00x",
		Framing{Lines, UTF16LE}, []element{{"{}", 1, 1}, {"\"\ufffd\ufffd\ufffd\"", 2, 2}, {"{}", 3, 3}},
	},
	"UTF-16 list": {
		in16(binary.LittleEndian, `{"v":"😀","data":[`+recordA+",\n"+recordB+"]}"),
		Framing{Array, UTF16LE}, onLines(1, 2),
	},
}

func TestSplitFindsForms(t *testing.T) {
	t.Parallel()
	for name, tc := range manifestForms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// If the head ends within the first line, the rest of the line shows the format.
			for _, head := range []int{headBytes, 16, 40} {
				if head == 16 && (strings.HasPrefix(name, "joined ") || strings.HasPrefix(name, "cut ")) {
					continue // the format depends on later lines
				}
				layout, err := split(iotest.OneByteReader(strings.NewReader(tc.manifest)), 1<<20, head)
				if err != nil {
					t.Fatalf("head of %d: %v", head, err)
				}
				if diff := cmp.Diff(tc.framing, layout.Framing); diff != "" {
					t.Errorf("head of %d: form (-want +got):\n%s", head, diff)
				}
			}
			for _, size := range []int64{1, 12, 30, 1 << 20} {
				var got []element
				for _, s := range readAll(t, []byte(tc.manifest), size, Limits{}) {
					got = append(got, element{string(s.Raw), s.Place.Element, s.Place.Line})
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Fatalf("ranges of %d bytes: records (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}
