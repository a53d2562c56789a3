# From one-row files to the tables and figures that people read.


localrules:
    cell,
    summary,
    figure,


rule cell:
    input:
        unpack(inputs_of("cell")),
    output:
        cell=output_of("cell", "cell"),
    log:
        log_of("cell"),
    benchmark:
        benchmark_of("cell")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["cell"].megabytes,
        runtime=FIXED["cell"].minutes,
    params:
        spec=spec_of("cell"),
    shell:
        "python -m fgir cell --spec {params.spec:q} --published {input.published:q} --out {output.cell:q} > {log:q} 2>&1"


rule summary:
    input:
        unpack(inputs_of("summary")),
    output:
        evaluations=output_of("summary", "evaluations"),
        summary=output_of("summary", "summary"),
    log:
        log_of("summary"),
    benchmark:
        benchmark_of("summary")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["summary"].megabytes,
        runtime=FIXED["summary"].minutes,
    params:
        spec=spec_of("summary"),
    shell:
        "python -m fgir summary --spec {params.spec:q} --published {input.published:q} "
        "--out {output.evaluations:q} {output.summary:q} > {log:q} 2>&1"


rule figure:
    input:
        unpack(inputs_of("figure")),
    output:
        png=report(
            output_of("figure", "png"),
            caption="../report/figure.rst",
            category="Accuracy against cost",
            labels={"dataset": "{dataset}"},
        ),
        svg=output_of("figure", "svg"),
    log:
        log_of("figure"),
    benchmark:
        benchmark_of("figure")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=FIXED["figure"].megabytes,
        runtime=FIXED["figure"].minutes,
    shell:
        "python -m fgir figure --summary {input.summary:q} --dataset {wildcards.dataset:q} "
        "--out {output.png:q} {output.svg:q} > {log:q} 2>&1"
