package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// gridHead is the head of a table with a server in each row.
func gridHead(titles []string) string {
	return "| server | " + strings.Join(titles, " | ") + " |\n|---|" + strings.Repeat("---|", len(titles)) + "\n"
}

// gridRow measures the cells of a server at the same time. One that cannot be measured
// says why in its place.
func gridRow(server string, cells int, measure func(i int) (string, error)) string {
	row := make([]string, cells)
	var beside sync.WaitGroup
	for i := range row {
		beside.Go(func() {
			cell, err := measure(i)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", server, err)
				cell = "not measured: " + strings.ReplaceAll(firstLine(err.Error()), "|", "/")
			}
			row[i] = cell
		})
	}
	beside.Wait()
	return "| " + server + " | " + strings.Join(row, " | ") + " |\n"
}
