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

// maxDepth is encoding/json's limit; Python's is lower.
const maxDepth = 10_000

// A python writes JSON values again as Python does that loads and dumps them:
// json.dump(json.load(…), indent=2, ensure_ascii=False). Texts keep no escape but the necessary
// ones, floats have their shortest form, and of members with one name the last is kept, at the position
// of the first. NaN, Infinity and -Infinity are numbers. What Python refuses to write, half of a surrogate
// pair, remains an escape.
type python struct {
	out []byte
	src []byte // what is still to be read
	// members holds those of all open objects, the innermost's last.
	members []member
}

// A member says where one is in python.out.
type member struct {
	name, value, end int // where the name and the value begin, and where the value ends
}

// value moves one value, which is at the given depth, from src to out.
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

// take moves past b, and says whether it was there.
func (p *python) take(b byte) bool {
	p.space()
	if len(p.src) == 0 || p.src[0] != b {
		return false
	}
	p.src = p.src[1:]
	return true
}

// line begins a line at the given depth.
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

// member moves a member of the object whose members begin at outer. The separator before it is already in out, from
// begin on.
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

// same finds the member of the name of m among those from outer on, or returns -1.
func (p *python) same(m member, outer int) int {
	name := p.out[m.name:m.value]
	for i := outer; i < len(p.members); i++ {
		if bytes.Equal(p.out[p.members[i].name:p.members[i].value], name) {
			return i
		}
	}
	return -1
}

// replace puts the value of m, which was written last, where the value of members[i] is.
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

// plain are the bytes that need no escape in a text.
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
			p.char(rune(b)) // a control character, which JSON forbids, and whose meaning is clear
		}
	}
}

// escape moves what follows a backslash.
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

// codePoint moves what follows \u.
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

// word moves a number or a constant.
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

// float writes a number with a fraction or an exponent as Python's repr of a float.
func (p *python) float(word []byte) {
	f, _ := strconv.ParseFloat(string(word), 64) // too large a number is an infinity, as in Python
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
		return fmt.Errorf("it ends where %s is expected", expected)
	}
	return fmt.Errorf("found %.16q where %s is expected", p.src, expected)
}
