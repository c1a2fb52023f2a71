/* SPDX-License-Identifier: MIT */
/* bench_svg.c - see bench_svg.h. The colours suit light and dark pages. */
#include "bench_svg.h"

#include <inttypes.h>
#include <math.h>

#include "bench_text.h"

#define BENCH_SVG__WIDTH 820
#define BENCH_SVG__HEIGHT 460
#define BENCH_SVG__LEFT 80.0
#define BENCH_SVG__TOP 60.0
#define BENCH_SVG__PLOT_WIDTH 700.0
#define BENCH_SVG__PLOT_HEIGHT 340.0
#define BENCH_SVG__POINTS 350

static const char *const bench_svg__colours[BENCH_CHART_CURVES_MAX] = {"#c2410c", "#0369a1"};

static double bench_svg__x(double x)
{
    return BENCH_SVG__LEFT + x * BENCH_SVG__PLOT_WIDTH;
}

static double bench_svg__y(double height)
{
    return BENCH_SVG__TOP + (1 - height) * BENCH_SVG__PLOT_HEIGHT;
}

/* Appends text that can contain characters with a meaning in XML, or that XML does not allow. */
static void bench_svg__escape(struct text_builder *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<' || *text == '>' || *text == '&')
            text_builder_add(out, "&#%d;", *text);
        else
            text_builder_add(out, "%c", *text >= ' ' && *text <= '~' ? *text : '?');
    }
}

static void bench_svg__title(const struct bench_summary *summary, struct text_builder *out)
{
    const struct bench_options *options = summary->options;

    text_builder_add(out, "<text x=\"%.0f\" y=\"24\" font-size=\"16\">", BENCH_SVG__LEFT);
    bench_svg__escape(out, options->address);
    text_builder_add(out, " over %s, %" PRIu32 " bytes, %s connections, ",
                     bench_summary_protocol(options), options->size,
                     bench_text_count(options->connections).text);
    if (options->rate > 0)
        text_builder_add(out, "%s/s offered</text>\n", bench_text_count(options->rate).text);
    else
        text_builder_add(out, "closed loop</text>\n");
}

static void bench_svg__line(struct text_builder *out, double x1, double y1, double x2, double y2)
{
    text_builder_add(out,
                     "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#888\" "
                     "stroke-opacity=\"0.4\"/>\n",
                     x1, y1, x2, y2);
}

static void bench_svg__label(struct text_builder *out, double x, double y, const char *anchor,
                             const char *text)
{
    text_builder_add(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y,
                     anchor, text);
}

/* Lines at 1, 2 and 5 of each power of ten. */
static void bench_svg__durations(const struct bench_chart *chart, struct text_builder *out)
{
    static const double steps[] = {1, 2, 5};

    for (int power = (int)floor(chart->least); power <= (int)chart->most; power++)
        for (size_t i = 0; i < 3; i++) {
            double ns = steps[i] * pow(10, power), height = bench_chart_height_of(chart, ns);
            if (log10(ns) < chart->least || log10(ns) > chart->most) continue;
            double y = bench_svg__y(height);
            bench_svg__line(out, bench_svg__x(0), y, bench_svg__x(1), y);
            bench_svg__label(out, bench_svg__x(0) - 6, y + 4, "end",
                             bench_text_duration((uint64_t)(ns + 0.5)).text);
        }
}

static void bench_svg__percentiles(const struct bench_chart *chart, struct text_builder *out)
{
    for (uint32_t i = 0; i <= chart->decades; i++) {
        double x = (double)i / chart->decades;
        bench_svg__line(out, bench_svg__x(x), bench_svg__y(0), bench_svg__x(x), bench_svg__y(1));
        bench_svg__label(out, bench_svg__x(x), bench_svg__y(0) + 20, "middle",
                         bench_text_percent(bench_chart_percent(chart, x)).text);
    }
}

static void bench_svg__curve(const struct bench_chart *chart, size_t index,
                             struct text_builder *out)
{
    const struct bench_chart_curve *curve = &chart->curves[index];
    const char *colour = bench_svg__colours[index];

    text_builder_add(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
                     colour);
    for (int i = 0; i <= BENCH_SVG__POINTS; i++) {
        double x = (double)i / BENCH_SVG__POINTS;
        text_builder_add(out, "%s%.1f,%.1f", i == 0 ? "" : " ", bench_svg__x(x),
                         bench_svg__y(bench_chart_height(chart, curve, x)));
    }
    text_builder_add(out, "\"/>\n<text x=\"%.0f\" y=\"46\" fill=\"%s\">%s</text>\n",
                     BENCH_SVG__LEFT + 130.0 * (double)index, colour, curve->name);
}

void bench_svg_write(const struct bench_summary *summary, struct text_builder *out)
{
    struct bench_chart chart;

    bench_chart_init(&chart, summary);
    text_builder_add(out,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                     "font-family=\"sans-serif\" font-size=\"12\" fill=\"#777\">\n",
                     BENCH_SVG__WIDTH, BENCH_SVG__HEIGHT);
    bench_svg__title(summary, out);
    if (chart.curves_count > 0) {
        bench_svg__durations(&chart, out);
        bench_svg__percentiles(&chart, out);
    }
    for (size_t i = 0; i < chart.curves_count; i++) bench_svg__curve(&chart, i, out);
    text_builder_add(out, "</svg>\n");
}
