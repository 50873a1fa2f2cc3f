// Package kinds lists the kinds of containers that Harvest reads and writes.
package kinds

import (
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet"
	"github.com/harvest-ml/harvest/shared/dataset/container/webdataset"
)

// All returns the kinds, in the order in which they are tried. Their Format and Is differ.
func All() []container.Kind { return []container.Kind{hfparquet.Kind(), webdataset.Kind()} }

// Of finds the kind of a file from its first bytes. It returns false for a text manifest, and for any other file that
// is not a container.
func Of(head []byte) (container.Kind, bool) {
	return first(func(k container.Kind) bool { return k.Is(head) })
}

// ByFormat returns the kind that has this format. It returns false for formats of text.
func ByFormat(format dataset.Format) (container.Kind, bool) {
	return first(func(k container.Kind) bool { return k.Format == format })
}

func first(is func(container.Kind) bool) (container.Kind, bool) {
	all := All()
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], true
	}
	return container.Kind{}, false
}
