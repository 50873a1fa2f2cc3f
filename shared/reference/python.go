package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is encoding/json's limit of nested brackets. Python's limit is lower.
const maxDepth = 10_000

// A python converts JSON to the text that Python writes after reading this JSON: json.dump(json.load(…), indent=2,
// ensure_ascii=False). Texts have only the necessary escapes, and floats have their shortest form. If several members
// of an object have the same name, the last value is written at the position of the first. NaN, Infinity and -Infinity
// are numbers. Python cannot write half of a surrogate pair; it remains an escape here.
type python struct {
	out []byte
	src []byte // the rest of the input
	// members has the members of all open objects. The members of the innermost object are last.
	members []member
}

// A member has the position of a member of an object in python.out.
type member struct {
	name, value, end int // start of the name, start of the value, and end of the value
}

// value converts one value, at the given depth, from src to out.
func (p *python) value(depth int) error {
	p.space()
	if len(p.src) == 0 {
		return errors.New("the value is cut short")
	}
	switch first := p.src[0]; {
	case depth > maxDepth:
		return fmt.Errorf("more than %d levels of brackets", maxDepth)
	case first == '{':
		return p.object(depth)
	case first == '[':
		return p.array(depth)
	case first == '"':
		return p.text()
	default:
		return p.word()
	}
}

func (p *python) space() { p.src = p.src[spaces(p.src, 0):] }

// take skips b if src begins with it, and reports whether it did.
func (p *python) take(b byte) bool {
	p.space()
	if len(p.src) == 0 || p.src[0] != b {
		return false
	}
	p.src = p.src[1:]
	return true
}

// line begins a new line with the indent of this depth.
func (p *python) line(depth int) {
	p.out = append(p.out, '\n')
	for range depth {
		p.out = append(p.out, "  "...)
	}
}

func (p *python) array(depth int) error {
	p.src = p.src[1:]
	p.out = append(p.out, '[')
	if p.take(']') {
		p.out = append(p.out, ']')
		return nil
	}
	for {
		p.line(depth + 1)
		if err := p.value(depth + 1); err != nil {
			return err
		}
		switch {
		case p.take(']'):
			p.line(depth)
			p.out = append(p.out, ']')
			return nil
		case !p.take(','):
			return p.unexpected(`"," or "]"`)
		}
		p.out = append(p.out, ',')
	}
}

func (p *python) object(depth int) error {
	p.src = p.src[1:]
	p.out = append(p.out, '{')
	if p.take('}') {
		p.out = append(p.out, '}')
		return nil
	}
	outer := len(p.members)
	for {
		begin := len(p.out)
		if len(p.members) > outer {
			p.out = append(p.out, ',')
		}
		p.line(depth + 1)
		if err := p.member(depth+1, outer, begin); err != nil {
			return err
		}
		switch {
		case p.take('}'):
			p.members = p.members[:outer]
			p.line(depth)
			p.out = append(p.out, '}')
			return nil
		case !p.take(','):
			return p.unexpected(`"," or "}"`)
		}
	}
}

// member converts a member of the object whose members begin at outer. The separator before the member is already in
// out, from begin on.
func (p *python) member(depth, outer, begin int) error {
	m := member{name: len(p.out)}
	p.space()
	if len(p.src) == 0 || p.src[0] != '"' {
		return p.unexpected("a name in quotes")
	}
	if err := p.text(); err != nil {
		return err
	}
	if !p.take(':') {
		return p.unexpected(`":"`)
	}
	p.out = append(p.out, ": "...)
	m.value = len(p.out)
	if err := p.value(depth); err != nil {
		return err
	}
	m.end = len(p.out)
	same := p.same(m, outer)
	if same < 0 {
		p.members = append(p.members, m)
		return nil
	}
	p.replace(same, m, begin)
	return nil
}

// same returns the index of the member, from outer on, that has the name of m; -1 if there is none.
func (p *python) same(m member, outer int) int {
	name := p.out[m.name:m.value]
	for i := outer; i < len(p.members); i++ {
		if bytes.Equal(p.out[p.members[i].name:p.members[i].value], name) {
			return i
		}
	}
	return -1
}

// replace moves the value of m, which was written last, to the place of the value of members[i].
func (p *python) replace(i int, m member, begin int) {
	value := bytes.Clone(p.out[m.value:m.end])
	old := p.members[i]
	tail := bytes.Clone(p.out[old.end:begin])
	p.out = append(append(p.out[:old.value], value...), tail...)
	moved := len(value) - (old.end - old.value)
	p.members[i].end += moved
	for j := i + 1; j < len(p.members); j++ {
		p.members[j].name += moved
		p.members[j].value += moved
		p.members[j].end += moved
	}
}

// plain marks the bytes that need no escape in a text.
var plain = func() (plain [256]bool) {
	for b := range plain {
		plain[b] = b >= ' ' && b != '"' && b != '\\'
	}
	return plain
}()

func (p *python) text() error {
	p.src = p.src[1:]
	p.out = append(p.out, '"')
	for {
		n := 0
		for n < len(p.src) && plain[p.src[n]] {
			n++
		}
		p.out = append(p.out, p.src[:n]...)
		p.src = p.src[n:]
		if len(p.src) == 0 {
			return errors.New("a text is cut short")
		}
		b := p.src[0]
		p.src = p.src[1:]
		switch b {
		case '"':
			p.out = append(p.out, '"')
			return nil
		case '\\':
			if err := p.escape(); err != nil {
				return err
			}
		default:
			p.char(rune(b)) // a control character: JSON forbids it, but its meaning is clear
		}
	}
}

// escape converts the rest of an escape after the backslash.
func (p *python) escape() error {
	if len(p.src) == 0 {
		return errors.New("a text is cut short")
	}
	b := p.src[0]
	p.src = p.src[1:]
	switch b {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		p.out = append(p.out, '\\', b)
	case '/':
		p.out = append(p.out, '/')
	case 'u':
		return p.codePoint()
	default:
		return fmt.Errorf(`unknown escape \%c`, b)
	}
	return nil
}

// codePoint converts the rest of an escape after \u.
func (p *python) codePoint() error {
	r, ok := hex(p.src)
	if !ok {
		return fmt.Errorf(`\u%.4s is not a character`, p.src)
	}
	p.src = p.src[4:]
	if second, ok := bytes.CutPrefix(p.src, []byte(`\u`)); ok && utf16.IsSurrogate(r) {
		low, ok := hex(second)
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			p.src = second[4:]
			r = pair
		}
	}
	p.char(r)
	return nil
}

func hex(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	r, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(r), err == nil
}

// char writes a character of a text.
func (p *python) char(r rune) {
	const short = "\b\t\n\f\r\"\\"
	switch i := strings.IndexRune(short, r); {
	case utf16.IsSurrogate(r):
		p.out = fmt.Appendf(p.out, `\u%04x`, r)
	case i >= 0:
		p.out = append(p.out, '\\', `btnfr"\`[i])
	case r < ' ':
		p.out = fmt.Appendf(p.out, `\u%04x`, r)
	default:
		p.out = utf8.AppendRune(p.out, r)
	}
}

// word converts a number or a constant.
func (p *python) word() error {
	n := 0
	for n < len(p.src) && !wordEnd[p.src[n]] {
		n++
	}
	word := p.src[:n]
	switch string(word) {
	case "true", "false", "null", "NaN", "Infinity", "-Infinity":
		p.out = append(p.out, word...)
	case "-0":
		p.out = append(p.out, '0')
	default:
		if !json.Valid(word) {
			return p.unexpected("a value")
		}
		if bytes.ContainsAny(word, ".eE") {
			p.float(word)
		} else {
			p.out = append(p.out, word...)
		}
	}
	p.src = p.src[n:]
	return nil
}

// float writes a number with a fraction or an exponent like Python's repr of a float.
func (p *python) float(word []byte) {
	f, _ := strconv.ParseFloat(string(word), 64) // a number that is too large becomes infinite, as in Python
	magnitude := math.Abs(f)
	switch {
	case math.IsInf(f, 0):
		if f < 0 {
			p.out = append(p.out, '-')
		}
		p.out = append(p.out, "Infinity"...)
	case magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16):
		p.out = strconv.AppendFloat(p.out, f, 'e', -1, 64)
	default:
		begin := len(p.out)
		p.out = strconv.AppendFloat(p.out, f, 'f', -1, 64)
		if bytes.IndexByte(p.out[begin:], '.') < 0 {
			p.out = append(p.out, ".0"...)
		}
	}
}

func (p *python) unexpected(expected string) error {
	if len(p.src) == 0 {
		return fmt.Errorf("the text ends, but expected %s", expected)
	}
	return fmt.Errorf("found %.16q, but expected %s", p.src, expected)
}
