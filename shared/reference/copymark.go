package reference

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
)

// copyWord is the word "copy" in the names that file managers of several languages give to copies.
const copyWord = `(?:copy|kopie|copie|copia|cópia|kopia|kopi|копия|副本|複製|コピー|사본)`

// copyMarks match what file managers, browsers and editors add to the name of a copied file, in simplified names:
// "ocr (1)", "ocr (another copy)", "ocr - Copy (2)", "copy of ocr", "ocr~" and "ocr.bak".
var copyMarks = []*regexp.Regexp{
	regexp.MustCompile(` ?\(\d+\)$`),
	regexp.MustCompile(` ?\((?:another |\d+(?:st|nd|rd|th) )?` + copyWord + `(?: \d+)?\)$`),
	regexp.MustCompile(`[ .]` + copyWord + `(?: \d+)?$`),
	regexp.MustCompile(`^` + copyWord + `(?: ?\(\d+\)| \d+)? (?:of|von|de|di|av|af) `),
	regexp.MustCompile(`~\d*$`),
	regexp.MustCompile(`\.(?:bak|old|orig)\d*$`),
}

// numberMark matches a number at the end of a simplified name, as in "ocr_1". Capabilities of an own rubric can have
// such names, too.
var numberMark = regexp.MustCompile(`[ .]\d+$`)

// An original is the name of which another name is perhaps a copy.
type original struct {
	name string // simplified
	bare bool   // whether a number without brackets was removed
}

// originals returns the names that remain after the copy marks of a name are removed, one after the other.
func originals(name string) (all []original) {
	name, bare := selection.SimplifiedName(name), false
	for {
		rest := name
		for _, mark := range copyMarks {
			if rest = mark.ReplaceAllString(name, ""); rest != name {
				break
			}
		}
		if rest == name {
			rest, bare = numberMark.ReplaceAllString(name, ""), true
		}
		if rest = strings.TrimSpace(rest); rest == name || rest == "" {
			return all
		}
		name = rest
		all = append(all, original{name, bare})
	}
}

// isStyle reports whether a name is that of the file of styles, in another spelling or of a copy.
func isStyle(name string) bool {
	for _, o := range append([]original{{name: selection.SimplifiedName(name)}}, originals(name)...) {
		if o.name == styleFile || o.name == styleFile+"s" {
			return true
		}
	}
	return false
}

// twice returns an error if two files of a folder give one capability, or if a file is a copy of another file, judged
// by their names. The names of an own rubric may end with numbers: two such files are copies only if their content is
// equal.
func twice(folder string, capabilities []string) error {
	standard := ofRubric(capabilities)
	key := func(name string) string {
		if at := rank(name); standard && at < len(shortNames) {
			return shortNames[at]
		}
		return name
	}
	files := map[string]string{}
	for _, name := range capabilities {
		if isStyle(name) {
			return copyFault(folder, name, styleFile)
		}
		k := key(selection.SimplifiedName(name))
		if first, found := files[k]; found {
			return fmt.Errorf("looking for score files: %q and %q in %s give the same capability; remove one of them",
				first+extension, name+extension, folder)
		}
		files[k] = name
	}
	for _, name := range capabilities {
		if standard && rank(name) < len(shortNames) {
			continue
		}
		for _, o := range originals(name) {
			k := key(o.name)
			first, found := files[k]
			if !found && standard && rank(o.name) < len(shortNames) {
				files[k] = name // a second copy of a file that does not exist would count twice
			}
			if !found || first == name {
				continue
			}
			if o.bare && !standard {
				if equal, err := sameContent(scorePath(folder, name), scorePath(folder, first)); err != nil || !equal {
					continue // a file that cannot be read is reported when it is read as scores
				}
			}
			return copyFault(folder, name, first)
		}
	}
	return nil
}

func copyFault(folder, name, original string) error {
	return fmt.Errorf("looking for score files: %q in %s looks like a copy of %q, and both would count; remove one of "+
		"them, or rename the file if it has a capability of its own", name+extension, folder, original+extension)
}

// sameContent reports whether two files have the same content.
func sameContent(a, b string) (bool, error) {
	var files [2]*os.File
	var sizes [2]int64
	for i, name := range []string{a, b} {
		file, err := os.Open(filepath.Clean(name))
		if err != nil {
			return false, err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return false, err
		}
		files[i], sizes[i] = file, info.Size()
	}
	if sizes[0] != sizes[1] {
		return false, nil
	}
	var parts [2][64 << 10]byte
	for {
		n, errA := io.ReadFull(files[0], parts[0][:])
		m, errB := io.ReadFull(files[1], parts[1][:])
		switch {
		case !bytes.Equal(parts[0][:n], parts[1][:m]):
			return false, nil
		case errA != nil || errB != nil:
			return n < len(parts[0]) && m < len(parts[1]), nil
		}
	}
}
