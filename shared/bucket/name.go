package bucket

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// private is the folder in which a Folder keeps what is being written.
const private = ".tmp"

const (
	// MaxName is how many bytes an object's name may have: the limit of Cloud Storage.
	MaxName    = 1024
	maxElement = 255 // bytes; the limit of the common file systems
)

// CheckName returns an ErrName that says what is wrong with an object's name, or nil. The rules are
// those of Bucket.
func CheckName(name string) error {
	if strings.Contains(name, `\`) {
		return fmt.Errorf("%w: %q has a backslash", ErrName, name)
	}
	return checkFileName(name)
}

// checkFileName is CheckName for files that are read where users have put them: backslashes pass.
func checkFileName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > MaxName:
		return fmt.Errorf("%w: %d bytes, and %d are the limit", ErrName, len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %q is not UTF-8", ErrName, name)
	case strings.ContainsAny(name, "\x00\r\n"):
		return fmt.Errorf("%w: %q has a NUL or a line break", ErrName, name)
	}
	for i, element := range strings.Split(name, "/") {
		switch {
		case element == "":
			return fmt.Errorf("%w: %q has an empty element", ErrName, name)
		case element == "." || element == "..":
			return fmt.Errorf("%w: %q has the element %q", ErrName, name, element)
		case len(element) > maxElement:
			return fmt.Errorf("%w: an element of %d bytes in %q, and %d are the limit",
				ErrName, len(element), name, maxElement)
		// Some file systems take names that differ in case for one.
		case i == 0 && strings.EqualFold(element, private):
			return fmt.Errorf("%w: %s is the bucket's own", ErrName, private)
		}
	}
	return nil
}
