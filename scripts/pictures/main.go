// Pictures makes the pictures of the README from those that the browser tests
// take: `make pictures` on a machine where `make test` runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// picture is one file of docs/pictures.
type picture struct {
	from, to string
	// scale is how many points of the test's picture make one of ours: its pages
	// of phones and of the demo have two for each of CSS.
	scale int
	// height is where the page is cut, in points of ours; 0 = not at all.
	height int
}

// folder is where the documents expect them.
const folder = "docs/pictures"

var pictures = []picture{
	{"panel-overview-en-1280-light.png", "panel-en.png", 1, 0},
	{"panel-overview-zh-CN-1280-light.png", "panel-zh.png", 1, 0},
	{"tried-1280-light.png", "demo-en.png", 2, 760},
	{"ok-1280-light.png", "demo-zh.png", 2, 760},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

func run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "wxsign-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	test := exec.CommandContext(ctx, "go", "test", "-tags=nomsgpack", "-count=1",
		"-run", "^(TestPanelLooks|TestScreenshots)$/^((ok|tried)-1280-light)?$", "./router/paneltest", "./e2e")
	test.Env = append(os.Environ(), "WXSIGN_SCREENSHOTS="+dir)
	test.Stdout, test.Stderr = os.Stdout, os.Stderr
	if err := test.Run(); err != nil {
		return fmt.Errorf("the browser tests: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // a folder of documents, for everybody
		return err
	}
	for _, p := range pictures {
		if err := p.make(dir); err != nil {
			return fmt.Errorf("%s: %w", p.to, err)
		}
	}
	return nil
}

// make reads the test's picture and writes ours.
func (p picture) make(dir string) error {
	file, err := os.Open(filepath.Join(dir, p.from))
	if err != nil {
		return err
	}
	taken, err := png.Decode(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	written, err := os.Create(filepath.Join(folder, p.to))
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	return errors.Join(encoder.Encode(written, p.shrink(taken)), written.Close())
}

// shrink cuts the page and makes one point of scale × scale.
func (p picture) shrink(taken image.Image) image.Image {
	size := taken.Bounds().Size().Div(p.scale)
	if p.height > 0 {
		size.Y = min(size.Y, p.height)
	}
	small := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			small.Set(x, y, mean(taken, taken.Bounds().Min.Add(image.Pt(x, y).Mul(p.scale)), p.scale))
		}
	}
	return small
}

// mean is the colour of the square with this corner.
func mean(taken image.Image, corner image.Point, side int) color.Color {
	var sum [4]uint32
	for y := range side {
		for x := range side {
			r, g, b, a := taken.At(corner.X+x, corner.Y+y).RGBA()
			for i, part := range [4]uint32{r, g, b, a} {
				sum[i] += part
			}
		}
	}
	n := uint32(side * side)                                 //nolint:gosec // a small square
	part := func(i int) uint16 { return uint16(sum[i] / n) } //nolint:gosec // a mean of 16 bits
	return color.RGBA64{R: part(0), G: part(1), B: part(2), A: part(3)}
}
