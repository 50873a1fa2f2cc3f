package subset

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// firstWhole calls try with name(1), name(2), and so on, until it finds an object that is not damaged. If all objects
// are damaged, the error is bucket.ErrDamaged. If there is no object, it is bucket.ErrNotExist. In both cases, missing
// is the first name without an object.
func firstWhole(name func(n int) string, try func(name string) error) (missing string, err error) {
	var damaged error
	for n := 1; ; n++ {
		err := try(name(n))
		switch {
		case errors.Is(err, bucket.ErrNotExist) && damaged != nil:
			return name(n), damaged
		case errors.Is(err, bucket.ErrNotExist):
			return name(n), err
		case !errors.Is(err, bucket.ErrDamaged):
			return "", err
		}
		damaged = err
	}
}

// noneWhole reports whether an error of firstWhole means that every object is missing or damaged.
func noneWhole(err error) bool {
	return errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrDamaged)
}

// createWhole writes an object under the missing name that first returns; first calls firstWhole. It writes nothing if
// there is an object that is not damaged, even if another process writes it at the same time.
func createWhole(
	ctx context.Context, work bucket.Bucket, first func() (missing string, err error), write func(io.Writer) error,
) error {
	for {
		missing, err := first()
		if !noneWhole(err) {
			return err
		}
		if created, err := bucket.CreateOnce(ctx, work, missing, write); created || err != nil {
			return err
		}
	}
}
