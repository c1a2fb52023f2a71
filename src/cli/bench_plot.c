/* SPDX-License-Identifier: MIT */
/* bench_plot.c - see bench_plot.h. */
#include "bench_plot.h"

#include <math.h>
#include <string.h>

#include "bench_text.h"

#define BENCH_PLOT__COLUMNS 66
#define BENCH_PLOT__ROWS 14
#define BENCH_PLOT__LEFT 11 /* columns of the durations */

static const char bench_plot__marks[BENCH_CHART_CURVES_MAX] = {'*', 'o'};

/* Draws the curves into rows, the first one at the top. The first curve is drawn last. */
static void bench_plot__draw(const struct bench_chart *chart,
                             char rows[BENCH_PLOT__ROWS][BENCH_PLOT__COLUMNS + 1])
{
    for (int y = 0; y < BENCH_PLOT__ROWS; y++) {
        memset(rows[y], ' ', BENCH_PLOT__COLUMNS);
        rows[y][BENCH_PLOT__COLUMNS] = '\0';
    }
    for (size_t i = chart->curves_count; i-- > 0;)
        for (int x = 0; x < BENCH_PLOT__COLUMNS; x++) {
            double height =
                bench_chart_height(chart, &chart->curves[i], (double)x / (BENCH_PLOT__COLUMNS - 1));
            int y = (int)((1 - height) * (BENCH_PLOT__ROWS - 1) + 0.5);
            rows[y][x] = bench_plot__marks[i];
        }
}

/* Writes the percentiles below the chart. */
static void bench_plot__axis(const struct bench_chart *chart, struct text_builder *out)
{
    char line[BENCH_PLOT__COLUMNS + 16];

    memset(line, ' ', sizeof line);
    line[sizeof line - 1] = '\0';
    for (uint32_t i = 0; i <= chart->decades; i++) {
        double x = (double)i / chart->decades;
        struct bench_text percent = bench_text_percent(bench_chart_percent(chart, x));
        size_t length = strlen(percent.text), at = (size_t)(x * (BENCH_PLOT__COLUMNS - 1));
        at = at >= length / 2 ? at - length / 2 : 0;
        if (at + length > BENCH_PLOT__COLUMNS) at = BENCH_PLOT__COLUMNS - length;
        memcpy(line + at, percent.text, length);
    }
    text_builder_add(out, "%*s %.*s\n", BENCH_PLOT__LEFT, "", BENCH_PLOT__COLUMNS, line);
}

void bench_plot_write(const struct bench_summary *summary, struct text_builder *out)
{
    char rows[BENCH_PLOT__ROWS][BENCH_PLOT__COLUMNS + 1];
    struct bench_chart chart;

    bench_chart_init(&chart, summary);
    if (chart.curves_count == 0) return;
    bench_plot__draw(&chart, rows);
    text_builder_add(out, "\n");
    for (size_t i = 0; i < chart.curves_count; i++)
        text_builder_add(out, "%s%c %s", i == 0 ? "" : "   ", bench_plot__marks[i],
                         chart.curves[i].name);
    text_builder_add(out, ", by percentile\n");
    for (int y = 0; y < BENCH_PLOT__ROWS; y++) {
        double height = 1 - (double)y / (BENCH_PLOT__ROWS - 1);
        uint64_t ns = (uint64_t)pow(10, chart.least + height * (chart.most - chart.least));
        text_builder_add(
            out, "%*s|%s\n", BENCH_PLOT__LEFT,
            y % 3 == 0 || y + 1 == BENCH_PLOT__ROWS ? bench_text_duration(ns).text : "", rows[y]);
    }
    bench_plot__axis(&chart, out);
}
