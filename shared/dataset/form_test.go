package dataset

import (
	"encoding/binary"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// in16 is text in UTF-16, with a byte order mark.
func in16(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(bom + text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// element is where a record stands.
type element struct {
	Raw           string
	Element, Line int64
}

func TestSplitFindsForms(t *testing.T) {
	t.Parallel()
	a, b, c := `{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`
	lines := func(numbers ...int64) (list []element) {
		for i, line := range numbers {
			list = append(list, element{[]string{a, b, c}[i], int64(i) + 1, line})
		}
		return list
	}
	const turns = `{"id":7,"conversations":[{"from":"human"}],"data":[{}]}`
	for name, tc := range map[string]struct {
		manifest string
		form     Form
		want     []element
	}{
		"marks before lines":     {bom + a + "\n" + bom + b + "\n\n" + bom + " " + c, Form{Format: Lines}, lines(1, 2, 4)},
		"marks in an array":      {"[" + a + ",\n" + bom + b + bom + "]", Form{Format: Array}, lines(1, 2)},
		"commas after lines":     {a + ",\n" + b + " , \r\n" + c, Form{Format: Lines}, lines(1, 2, 3)},
		"commas before lines":    {a + "\n," + b + "\n,\n , " + c + ",", Form{Format: Lines}, lines(1, 2, 4)},
		"CR":                     {a + "\r" + b + "\r\r" + c + "\r", Form{Format: Lines}, lines(1, 2, 4)},
		"CR and commas":          {a + ",\r" + b + ", \r" + c, Form{Format: Lines}, lines(1, 2, 3)},
		"CR, CRLF and LF":        {a + "\r" + b + "\r\n" + c + "\n", Form{Format: Lines}, lines(1, 2, 3)},
		"CR and broken lines":    {a + "\roops\r" + `{"id` + "\r" + b, Form{Format: Lines}, []element{{a, 1, 1}, {"oops", 2, 2}, {`{"id`, 3, 3}, {b, 4, 4}}},
		"CR in a string":         {a + "\n{\"a\rb\"}\n" + c, Form{Format: Lines}, []element{{a, 1, 1}, {"{\"a\rb\"}", 2, 2}, {c, 3, 3}}},
		"CR as space":            {a + "\n{\r\"a\":1\r, \"b\":2}\n" + c, Form{Format: Lines}, []element{{a, 1, 1}, {"{\r\"a\":1\r, \"b\":2}", 2, 2}, {c, 3, 3}}},
		"array with CR":          {"[\r" + a + ",\r\r" + b + "\r]", Form{Format: Array}, lines(2, 4)},
		"array with CRLF":        {"[\r\n" + a + ",\r\n\r\n" + b + "\r\n]", Form{Format: Array}, lines(2, 4)},
		"list on one line":       {`{"data":[` + a + "," + b + "]}\n", Form{Format: Array}, lines(1, 1)},
		"list on many lines":     {"{\n \"samples\": [\n  " + a + ",\n  " + b + "\n ]\n}\n", Form{Format: Array}, lines(3, 4)},
		"list with CR":           {"{\r \"samples\": [\r  " + a + ",\r  " + b + "\r ]\r}\r", Form{Format: Array}, lines(3, 4)},
		"list with few CR":       {"{\r\"data\":[" + a + "," + b + "]}", Form{Format: Array}, lines(2, 2)},
		"keys around the list":   {bom + `{"v":1,"n":NaN,"info":{"a":[{"x":"]"}]},"none":[],"train":[` + a + "\n," + b + `],"l":[1,{}],"s":"}"}`, Form{Format: Array}, lines(1, 2)},
		"a list of any key":      {`{"My \"own\" list":[` + a + "]}", Form{Format: Array}, lines(1)},
		"broken element of list": {`{"data":[` + a + `,{"b" oops},` + c + "]}", Form{Format: Array}, []element{{a, 1, 1}, {`{"b" oops}`, 2, 1}, {c, 3, 1}}},
		"one record":             {turns + "\n", Form{Format: Lines}, []element{{turns, 1, 1}}},
		"one record on lines":    {"\n" + strings.ReplaceAll(turns, ",", ",\n"), Form{Format: Objects}, []element{{strings.ReplaceAll(turns, ",", ",\n"), 1, 2}}},
		"one object, no list":    {`{"data":{"a":[{}]}}`, Form{Format: Lines}, []element{{`{"data":{"a":[{}]}}`, 1, 1}}},
		"lines with lists":       {`{"data":[` + a + "]}\n" + `{"data":[` + b + "]}\n", Form{Format: Lines}, []element{{`{"data":[` + a + "]}", 1, 1}, {`{"data":[` + b + "]}", 2, 2}}},
		"objects on lines":       {"{\n\"a\": [\n{}]\n}\n{\n}\n\n" + c, Form{Format: Objects}, []element{{"{\n\"a\": [\n{}]\n}", 1, 1}, {"{\n}", 2, 5}, {c, 3, 8}}},
		"objects with commas":    {"{\n},\n{\n} ,{}\n,", Form{Format: Objects}, []element{{"{\n}", 1, 1}, {"{\n}", 2, 3}, {"{}", 3, 4}}},
		"objects with CR":        {"{\r\"a\": 1\r}\r{\r}", Form{Format: Objects}, []element{{"{\r\"a\": 1\r}", 1, 1}, {"{\r}", 2, 4}}},
		"objects on one line":    {a + b + " " + c + "\n", Form{Format: Objects}, []element{{a, 1, 1}, {b, 2, 1}, {c, 3, 1}}},
		"broken first object":    {"{\"a\": 1,\n oops }\n" + b, Form{Format: Objects}, []element{{"{\"a\": 1,\n oops }", 1, 1}, {b, 2, 3}}},
		"broken on lines":        {"{\"data\":[\n" + a + ",\n{\"b\" oops},\n" + c + "]}", Form{Format: Array}, []element{{a, 1, 2}, {`{"b" oops}`, 2, 3}, {c, 3, 4}}},
		"cut line of turns":      {"{\"conversations\":[{\"a\":1},\n" + b + "\n" + c, Form{Format: Lines}, []element{{`{"conversations":[{"a":1}`, 1, 1}, {b, 2, 2}, {c, 3, 3}}},
		"cut line of keys":       {"{\"a\":1,\n" + b + "\n" + c, Form{Format: Lines}, []element{{`{"a":1`, 1, 1}, {b, 2, 2}, {c, 3, 3}}},
		"cut first line":         {"{\"turns\":[{\"a\":1},\n" + b + "\n" + c, Form{Format: Lines}, []element{{`{"turns":[{"a":1}`, 1, 1}, {b, 2, 2}, {c, 3, 3}}},
		"first line in a string": {"{\"turns\":\"[{\n" + b + "\n" + c, Form{Format: Lines}, []element{{`{"turns":"[{`, 1, 1}, {b, 2, 2}, {c, 3, 3}}},
		"joined first line":      {a + a + "\n" + b + "\n", Form{Format: Lines}, []element{{a + a, 1, 1}, {b, 2, 2}}},
		"NaN only":               {`{"a":NaN}` + "\n{}", Form{Format: Lines}, []element{{`{"a":NaN}`, 1, 1}, {"{}", 2, 2}}},
		"UTF-16LE array":         {in16(binary.LittleEndian, "[\r\n"+a+",\r\n"+b+"]"), Form{Array, UTF16LE}, lines(2, 3)},
		"UTF-16BE lines":         {in16(binary.BigEndian, a+"\r\n"+b+","), Form{Lines, UTF16BE}, lines(1, 2)},
		"UTF-16 without a mark":  {in16(binary.LittleEndian, a+"\n"+b)[2:], Form{Lines, UTF16LE}, lines(1, 2)},
		"UTF-16 beyond ASCII":    {in16(binary.BigEndian, `{"ä":"€"}`+"\n"+`{"𝄞":"😀"}`), Form{Lines, UTF16BE}, []element{{`{"ä":"€"}`, 1, 1}, {`{"𝄞":"😀"}`, 2, 2}}},
		"UTF-16 with half pairs": {in16(binary.LittleEndian, "{}\n\"") + "\x00\xdc\x00\xdc\x00\xd8\"\x00\n\x00{\x00}\x00x", Form{Lines, UTF16LE}, []element{{"{}", 1, 1}, {"\"\ufffd\ufffd\ufffd\"", 2, 2}, {"{}", 3, 3}}},
		"UTF-16 list":            {in16(binary.LittleEndian, `{"v":"😀","data":[`+a+",\n"+b+"]}"), Form{Array, UTF16LE}, lines(1, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, head := range []int{headBytes, 16, 40} { // where the head ends in the first line the rest of it decides
				if head == 16 && (name == "joined first line" || strings.HasPrefix(name, "cut ")) {
					continue // which only the lines after it show
				}
				layout, err := split(iotest.OneByteReader(strings.NewReader(tc.manifest)), 1<<20, head)
				if err != nil {
					t.Fatalf("head of %d: %v", head, err)
				}
				if diff := cmp.Diff(tc.form, layout.Form); diff != "" {
					t.Errorf("head of %d: form (-want +got):\n%s", head, diff)
				}
			}
			for size := int64(1); size <= int64(len(tc.manifest)); size++ {
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
