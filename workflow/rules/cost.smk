# What inference costs: it depends on the cost point alone, so cells share these files.


# A job for each number of classes would be over as soon as it had started.
rule macs:
    output:
        macs=output_of("macs", "macs"),
    log:
        log_of("macs"),
    benchmark:
        benchmark_of("macs")
    wildcard_constraints:
        setting=alternatives(STUDY.cost_settings),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of("macs"),
        runtime=minutes_of("macs"),
    params:
        spec=spec_of("macs"),
        classes=classes_of,
    shell:
        "python -m fgir macs --spec {params.spec:q} --classes {params.classes} "
        "--out {output.macs:q} > {log:q} 2>&1"


# All cores of a machine go to it, so that no other job there disturbs the clock.
rule timing:
    output:
        timing=output_of("timing", "timing"),
    log:
        log_of("timing"),
    benchmark:
        benchmark_of("timing")
    wildcard_constraints:
        setting=alternatives(STUDY.cost_settings),
    conda:
        ENVIRONMENT
    threads: CORES
    resources:
        mem_mb=megabytes_of("timing"),
        runtime=minutes_of("timing"),
        gpu=gpus_of("timing"),
    params:
        spec=spec_of("timing"),
    shell:
        "python -m fgir timing --spec {params.spec:q} --threads {threads} "
        "--out {output.timing:q} > {log:q} 2>&1"


# From the image files to the loss, as published: it depends on the dataset too. The whole machine is its own, likewise.
rule end_to_end:
    input:
        unpack(inputs_of("end_to_end")),
    output:
        timing=output_of("end_to_end", "timing"),
    log:
        log_of("end_to_end"),
    benchmark:
        benchmark_of("end_to_end")
    wildcard_constraints:
        setting=alternatives(STUDY.cost_settings),
    conda:
        ENVIRONMENT
    threads: CORES
    resources:
        mem_mb=megabytes_of("end_to_end"),
        runtime=minutes_of("end_to_end"),
        gpu=gpus_of("end_to_end"),
    params:
        spec=spec_of("end_to_end"),
    shell:
        "python -m fgir end_to_end --spec {params.spec:q} --source {input.source:q} --split {input.split:q} "
        "--threads {threads} --out {output.timing:q} > {log:q} 2>&1"
